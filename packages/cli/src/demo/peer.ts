/**
 * One peer: the program that each of the demo's processes runs. It does what the demo asks over the channel, and
 * ends when that closes, as it does however the demo's own process ended.
 */
import { setTimeout as delay } from "node:timers/promises";

import { Hash, SwarmError, SwarmPeer } from "@cicada/swarmlib";

import type { Arrival, Calls, Fate, Order, Place, Request, Response } from "./calls.ts";

process.on("disconnect", () => process.exit());
// A terminal sends its signals to all processes at once. The demo decides, and tells its peers by ending them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

const peer = new SwarmPeer({ network: "cicada demo" });
const arrivals: Arrival[] = [];

/** A message says its number and then some: what arrives otherwise than it was sent is told apart. */
const text = (message: number): string => `${message} ${"cicada ".repeat(32)}`;
const PROBE = "probe";

const receive = async (): Promise<void> => {
	for await (const { source, data } of peer) {
		const received = new TextDecoder().decode(data);
		if (received === PROBE) continue;
		const number = Number.parseInt(received, 10);
		const message = received === text(number) ? number : -1;
		arrivals.push({ message, from: source.hash.toString() });
	}
};

const links = (): string[] => peer.peers.map(({ hash }) => hash.toString());

const why = (error: unknown): string =>
	error instanceof SwarmError ? `${error.code}: ${error.message}` : String(error);

const send = async ({ message, to, duplicates, unlessLinked }: Order): Promise<Fate> => {
	if (unlessLinked && links().includes(to.id)) return { outcome: "linked" };
	try {
		const options = { duplicates, route: "ring" } as const;
		const { hops, rtt } = await peer.send([to.host, to.port], text(message), options);
		// The ring may have opened a link while the message was under way.
		return { outcome: "delivered", hops, rtt, linked: links().includes(to.id) };
	} catch (error) {
		return { outcome: "rejected", why: why(error) };
	}
};

/**
 * Waits until this peer's place in the ring is exact. The peer that answers for the very next id after its own
 * must be the true `next` one, reached over one link: so both agree that they are neighbours. And it holds no
 * link to those that are `gone`.
 */
const untilExact = async (next: string, gone: readonly string[]): Promise<null> => {
	const after = new Hash({ hashed: (peer.hash.toBigInt() + 1n) % (1n << 256n) });
	for (;;) {
		if (!links().some((id) => gone.includes(id))) {
			try {
				const { target, hops } = await peer.send(after, PROBE, { route: "ring", timeout: 1_000 });
				if (target.hash.toString() === next && hops === 1) return null;
			} catch {
				// The ring is still changing here.
			}
		}
		await delay(20);
	}
};

const handlers: {
	[Name in keyof Calls]: (takes: Calls[Name]["takes"]) => Promise<Calls[Name]["gives"]>;
} = {
	bind: async (): Promise<Place> => {
		await peer.bind("127.0.0.1", 0);
		void receive();
		return { ...peer.listener, id: peer.hash.toString() };
	},
	join: async ({ host, port }) => {
		await peer.connect(host, port, { timeout: 30_000 });
		return null;
	},
	links: async () => Promise.resolve(links()),
	send,
	broadcast: async (message) => peer.broadcast(text(message)),
	exact: async ({ next, gone }) => untilExact(next, gone),
	received: async () => Promise.resolve(arrivals),
	close: async () => {
		await peer.close();
		return null;
	},
};

const answer = async <Name extends keyof Calls>(
	name: Name,
	takes: Calls[Name]["takes"],
): Promise<Calls[Name]["gives"]> => handlers[name](takes);

process.on("message", ({ call, name, takes }: Request) => {
	const reply = (response: Response): void => {
		process.send?.(response);
		// An open channel alone would keep this process alive.
		if (name === "close") process.channel?.unref();
	};
	answer(name, takes).then(
		(gives) => {
			reply({ call, gives });
		},
		(error: unknown) => {
			reply({ call, failed: why(error) });
		},
	);
});
