// Two hosts and a link between them, in virtual time.
import { constant, type Link, type Ports, SimnetError, Simulation } from "@cicada/simnet";

export const hear = async (sentence: string): Promise<readonly [heard: string, at: number]> => {
	const simulation = new Simulation({ seed: 1, latency: constant(10) });
	const near: Ports = simulation.host("near");
	const far = simulation.host("far");
	const deaf = { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
	let heard = "";
	await far.transport.listen({ host: far.ip, port: 7000 }, () => ({
		...deaf,
		data: (chunk: Uint8Array) => {
			heard += new TextDecoder().decode(chunk);
		},
	}));
	const link: Link = near.transport.dial({ host: far.ip, port: 7000 }, deaf);
	link.send(new TextEncoder().encode(sentence));
	await simulation.run(1000);
	return [heard, simulation.now];
};

export const codeOf = (error: unknown): string | undefined =>
	error instanceof SimnetError ? error.code : undefined;
