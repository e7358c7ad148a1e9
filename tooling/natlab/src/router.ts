import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { must, run, until } from "./command.ts";
import { Machine } from "./machine.ts";
import type { Namespaces } from "./namespaces.ts";

/** What the router's daemon offers. */
export interface Offer {
	/** Version of the Internet Gateway Device; 2. */
	readonly igd?: 1 | 2;
	/** On unless said otherwise. */
	readonly upnp?: boolean;
	/** On unless said otherwise. */
	readonly natpmp?: boolean;
}

/** The translation of addresses as on a home router; the chains of the daemon's own are empty. */
const RULES = `
flush ruleset
table inet filter {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		jump miniupnpd
		iifname "lan" oifname { "lan", "wan" } accept
	}
	chain miniupnpd { }
	chain prerouting {
		type nat hook prerouting priority -100;
		jump prerouting_miniupnpd
	}
	chain postrouting {
		type nat hook postrouting priority 100;
		jump postrouting_miniupnpd
		oifname "wan" masquerade
	}
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
`;

/** A home router: miniupnpd in a namespace that translates addresses by nftables. */
export class Router extends Machine {
	readonly #files: string;
	readonly #within: (command: readonly string[]) => readonly string[];
	#offer: Offer = {};
	#wan: string;
	#daemon: ChildProcess | undefined;

	constructor(namespaces: Namespaces, name: string, address: string, wan: string) {
		super(namespaces, name, address);
		this.#wan = wan;
		this.#files = join(namespaces.folder, name);
		this.#within = (command) => namespaces.within(name, command);
	}

	/** The address of its interface to the outside. */
	get wan(): string {
		return this.#wan;
	}

	/** Translates addresses; every table is empty. */
	async translate(): Promise<void> {
		await must(this.#within(["nft", "-f", "-"]), RULES);
	}

	/** Starts the daemon with empty tables, and waits until it answers. */
	async start(offer: Offer = this.#offer): Promise<void> {
		this.#offer = offer;
		await this.translate();
		const yes = (on = true): string => (on ? "yes" : "no");
		const [, , network = "0", host = "0"] = this.address.split(".");
		const lines = [
			"ext_ifname=wan",
			"listening_ip=lan",
			"http_port=5000",
			`enable_upnp=${yes(offer.upnp)}`,
			`enable_natpmp=${yes(offer.natpmp)}`,
			"min_lifetime=1",
			"max_lifetime=86400",
			"secure_mode=yes",
			"notify_interval=60",
			`force_igd_desc_v1=${yes(offer.igd === 1)}`,
			`uuid=6e61746c-6162-4000-8000-000000${network.padStart(3, "0")}${host.padStart(3, "0")}`,
			`lease_file=${this.#files}.leases`,
			`allow 1024-65535 ${this.address}/24 1024-65535`,
			"deny 0-65535 0.0.0.0/0 0-65535",
		];
		writeFileSync(`${this.#files}.conf`, `${lines.join("\n")}\n`);
		writeFileSync(`${this.#files}.log`, "");
		rmSync(`${this.#files}.leases`, { force: true });
		const command = ["miniupnpd", "-d", "-f", `${this.#files}.conf`, "-P", `${this.#files}.pid`];
		const [file = "", ...args] = this.#within(command);
		const daemon = spawn(file, args, {
			stdio: ["ignore", "pipe", "pipe"],
			env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
		});
		for (const stream of [daemon.stdout, daemon.stderr]) {
			stream.on("data", (chunk: Uint8Array) => {
				appendFileSync(`${this.#files}.log`, chunk);
			});
		}
		this.#daemon = daemon;
		const ports = [
			...(offer.upnp === false ? [] : ["1900", "5000"]),
			...(offer.natpmp === false ? [] : ["5351"]),
		];
		await until(`miniupnpd is up\n${this.log()}`, async () => {
			if (daemon.exitCode !== null) throw new Error(`miniupnpd ended\n${this.log()}`);
			const { stdout } = await run(this.#within(["ss", "-Hlntu"]));
			return ports.every((port) => stdout.includes(`:${port} `)) ? true : undefined;
		});
	}

	/** Ends the daemon: by itself it takes its mappings away and says goodbye; killed, it does neither. */
	async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
		const daemon = this.#daemon;
		this.#daemon = undefined;
		if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
		const ended = once(daemon, "exit");
		daemon.kill(signal);
		await ended;
	}

	/** As after a power cut: the tables are empty, and the daemon is new. */
	async restart(offer: Offer = this.#offer): Promise<void> {
		await this.stop("SIGKILL");
		await this.start(offer);
	}

	/** Another address to the outside, as from a provider that changes it; the lab must know how to reach it. */
	async changeWan(address: string): Promise<void> {
		await this.ip(`addr add ${address}/24 dev wan`, `addr del ${this.#wan}/24 dev wan`);
		await this.ip(`route replace default via ${gatewayOf(address)}`);
		this.#wan = address;
	}

	/** The ports that it forwards: `tcp 7000 192.168.77.2:7000`. */
	async forwarded(): Promise<readonly string[]> {
		const list = ["nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd"];
		const rules = await must(this.#within(list));
		// nft shows the protocol's number where the daemon matches bytes of the header.
		return [...rules.matchAll(/ (0x\w+|tcp|udp) (?:th )?dport (\d+) dnat ip to ([\d.:]+)/g)].map(
			([, protocol = "", port, to]) =>
				`${{ "0x6": "tcp", "0x11": "udp" }[protocol] ?? protocol} ${port} ${to}`,
		);
	}

	/** What the daemon said. */
	log(): string {
		return readFileSync(`${this.#files}.log`, "utf8");
	}
}

/** The address of the outside in a router's network. */
export const gatewayOf = (wan: string): string => wan.replace(/\d+$/, "254");
