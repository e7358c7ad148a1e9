import { type Address, formatAddress } from "@cicada/chordlib";
import type { Received, RemotePeer } from "@cicada/swarmlib";

import { printable, shown, textOf } from "../printable.ts";

/** What happens while a script runs; with `--json` each is one line of stdout. */
export type RunEvent =
	| { readonly event: "bound"; readonly address: Address; readonly id: string }
	| { readonly event: "joined" }
	| { readonly event: "peers"; readonly line: number; readonly count: number }
	| {
			readonly event: "sent";
			readonly line: number;
			readonly to: Named;
			readonly bytes: number;
			readonly copies: number;
			readonly hops: number;
			readonly rtt: number;
	  }
	| {
			readonly event: "broadcast";
			readonly line: number;
			readonly bytes: number;
			readonly reached: number;
	  }
	| {
			readonly event: "received" | "expected";
			readonly line: number;
			readonly from: Named;
			/** In base64. */
			readonly data: string;
			/** The same, where it is UTF-8. */
			readonly text?: string;
	  }
	| { readonly event: "echo"; readonly line: number; readonly text: string }
	| {
			readonly event: "problem";
			readonly line: number;
			readonly column: number;
			readonly message: string;
	  }
	| { readonly event: "failed"; readonly message: string }
	| { readonly event: "done" };

/** A peer as the report has it. */
export interface Named {
	readonly address?: Address;
	readonly id: string;
}

export function named({ address, hash }: Pick<RemotePeer, "address" | "hash">): Named {
	return { ...(address && { address }), id: hash.toString() };
}

/** A message that came. */
export function arrival(
	event: "received" | "expected",
	line: number,
	{ source, data }: Received,
): RunEvent {
	const text = textOf(data);
	const base64 = Buffer.from(data).toString("base64");
	return {
		event,
		line,
		from: named(source),
		data: base64,
		...(text !== undefined && { text }),
	};
}

/** An event as a line for people; what went wrong has a way of its own, to stderr. */
export function sentence(event: RunEvent): string | undefined {
	switch (event.event) {
		case "bound":
			return `listening at ${formatAddress(event.address)}`;
		case "joined":
			return "joined the swarm";
		case "peers":
			return event.count === 1 ? "a peer is there" : `${event.count} peers are there`;
		case "sent":
			return `sent ${counted(event.bytes, "byte")} to ${name(event.to)} over ${counted(event.hops, "link")}`;
		case "broadcast":
			return `sent ${counted(event.bytes, "byte")} to all: ${counted(event.reached, "peer")}`;
		case "received":
			return `${name(event.from)}: ${shown(Buffer.from(event.data, "base64"))}`;
		case "expected":
			return `${name(event.from)}: ${shown(Buffer.from(event.data, "base64"))} (as expected)`;
		case "echo":
			return printable(event.text);
		default:
			return undefined;
	}
}

function name({ address, id }: Named): string {
	return address ? formatAddress(address) : id.slice(0, 12);
}

function counted(count: number, what: string): string {
	return `${count} ${what}${count === 1 ? "" : "s"}`;
}
