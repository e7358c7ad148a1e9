/**
 * One peer: the program that each process of the swarm runs. It does what it is told over the channel, tells what it
 * sent and got, and ends when the channel closes.
 *
 * @module
 */
import { type Address, SwarmError, SwarmPeer } from "@cicada/swarmlib";

/** Plain JSON, like what a peer tells. */
export type Order =
	| { readonly kind: "bind"; readonly address: Address }
	| { readonly kind: "connect"; readonly through: readonly Address[] }
	| {
			readonly kind: "send";
			readonly number: number;
			readonly to: Address;
			readonly bytes: number;
			readonly route: "auto" | "ring";
			readonly timeout: number;
	  };

export type Word =
	| { readonly kind: "bound"; readonly address: Address; readonly id: string }
	/** An order to bind or to connect failed. */
	| { readonly kind: "failed"; readonly order: "bind" | "connect"; readonly why: string }
	/** Its next peer clockwise is another, or it is in a swarm, or no longer. */
	| { readonly kind: "place"; readonly ready: boolean; readonly successor: string | undefined }
	/** A send has come to its end; without a code it resolved. `ms` is how long that took. */
	| {
			readonly kind: "sent";
			readonly number: number;
			readonly ms: number;
			readonly hops: number;
			readonly code: string | undefined;
			readonly why: string | undefined;
	  }
	| { readonly kind: "got"; readonly number: number; readonly from: string }
	/** What should never happen. */
	| { readonly kind: "unhandled"; readonly why: string };

const say = (word: Word): void => {
	process.send?.(word);
};

process.on("disconnect", () => process.exit());
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
	process.on(event, (error: unknown) => {
		say({ kind: "unhandled", why: `${event}: ${textOf(error)}` });
	});
}

function textOf(error: unknown): string {
	return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const peer = new SwarmPeer();
peer.on("error", (error) => {
	say({ kind: "unhandled", why: `error event: ${textOf(error)}` });
});

let told = "";
/** It is in the swarm, but others may not find it yet. */
let connecting = false;
const place = (): void => {
	const ready = peer.state === "ready" && !connecting;
	const successor = peer.ring.successors[0]?.hash.toString();
	const now = `${ready} ${successor}`;
	if (now !== told) say({ kind: "place", ready, successor });
	told = now;
};

async function bind({ host, port }: Address): Promise<void> {
	await peer.bind(host, port);
	peer.on("ring", place);
	peer.on("state", place);
	void receive();
	say({ kind: "bound", address: peer.listener, id: peer.hash.toString() });
	place();
}

/** A message is its number, and as many dots as it takes to be as long as it should be. */
async function receive(): Promise<void> {
	for await (const { source, data } of peer) {
		const number = Number.parseInt(new TextDecoder().decode(data.subarray(0, 16)), 10);
		say({ kind: "got", number, from: source.hash.toString() });
	}
}

async function send({
	number,
	to,
	bytes,
	route,
	timeout,
}: Order & { kind: "send" }): Promise<void> {
	const began = performance.now();
	const data = `${number}`.padEnd(bytes, ".");
	const ended = (hops: number, code?: string, why?: string): void => {
		say({ kind: "sent", number, ms: performance.now() - began, hops, code, why });
	};
	try {
		ended((await peer.send(to, data, { route, timeout })).hops);
	} catch (error) {
		if (!(error instanceof SwarmError)) throw error;
		ended(0, error.code, error.message);
	}
}

async function connect(through: readonly Address[]): Promise<void> {
	connecting = true;
	try {
		await peer.connect(through);
	} finally {
		connecting = false;
		place();
	}
}

async function attempt(order: "bind" | "connect", run: () => Promise<void>): Promise<void> {
	try {
		await run();
	} catch (error) {
		say({ kind: "failed", order, why: String(error) });
	}
}

process.on("message", (order: Order) => {
	if (order.kind === "send") void send(order);
	else if (order.kind === "bind") void attempt("bind", () => bind(order.address));
	else void attempt("connect", () => connect(order.through));
});
