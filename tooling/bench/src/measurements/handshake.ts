import type { Rates } from "../handshake-program.ts";
import type { Measurement } from "../measurement.ts";
import { told } from "../program.ts";

/** Links that are opened at once: no node may have more than 256. */
const LINKS = 100;

/** How often each kind is measured. */
const ROUNDS = 9;

/** How often before that: until then the engine still compiles what has become frequent. */
const TRIALS = 20;

/** How fast links are opened. */
export const handshake: Measurement = {
	name: "handshake",
	about: `${LINKS} links to one node that are opened at once, beside as many TLS 1.3 connections with certificates (Ed25519) of both ends; both ends in one process, which does nothing else and has opened two thousand of each before; a second is one of the processor. Noise XX, and the records of both ends verified; then the same with the proof that who dials can be dialled, which takes a second connection. TLS once as a program has it that gives tls.connect its key and certificate, and once with the context that they become made before: that is done once in a program's life, as the keys of a node are read once.`,
	once: true,
	async run({ operations }) {
		// So few operations are a trial of the program.
		const args = operations < 1_000 ? [4, 0, 1] : [LINKS, TRIALS, ROUNDS];
		const { tls, prepared, links, proven } = await told<Rates>(
			"handshake-program.js",
			args.map(String),
			["--expose-gc"],
		);
		return [
			{ name: "TLS", value: tls, unit: "/s" },
			{ name: "TLS, context made before", value: prepared, unit: "/s" },
			{ name: "links", value: links, unit: "/s" },
			{ name: "links / TLS", value: links / tls, unit: "", aim: { least: 2 } },
			{
				name: "links / TLS, context made before",
				value: links / prepared,
				unit: "",
				aim: { least: 2 },
			},
			{ name: "links that are dialled back", value: proven, unit: "/s" },
		];
	},
};
