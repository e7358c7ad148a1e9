import type { SimHost } from "@cicada/simnet";

import type { Address, Link, LinkHandler } from "../src/index.ts";
import { concat, fromHex, toHex, utf8 } from "./bytes.ts";

// SHA-256 of "", the network without a name.
const NETWORK = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** What a node of the network without a name opens every link with. */
export const HELLO: string = `434943414441 01 0028 0001 0001 ${NETWORK} 00000000`.replaceAll(
	" ",
	"",
);

/** The first frame of a node at port 7000, in life 7 or one below ten, in no ring; its id consists of these two digits. */
export function identify(digits: string, host: string, life = 7): string {
	const ip = toHex(Uint8Array.from(host.split("."), Number));
	return `0000002f00${digits.repeat(32)}04${ip}1b5800000000000${life}01`;
}

/** The first frame of a node with the id 11…11 at 192.0.2.1:7000. */
export const IDENTIFY: string = identify("11", "192.0.2.1");

export const GOODBYE = {
	replaced: "000000020803",
	duplicate: "000000020804",
	self: "000000020805",
	malformed: "000000020806",
	flood: "000000020808",
	unproven: "000000020809",
};

/** A refusal as it goes over the wire, in hexadecimal digits. */
export function refusal(reason: number, explanation: string): string {
	const text = utf8(explanation);
	return toHex(
		concat(
			fromHex("434943414441 02"),
			Uint8Array.of(0, 3 + text.length, reason, 0, text.length),
			text,
		),
	);
}

/** Someone who talks to a node in bytes. */
export class Stranger implements LinkHandler {
	/** All that came, in hexadecimal digits. */
	heard = "";
	/** How the link ended; "" while it has not. */
	end = "";
	link: Link | undefined;
	/** What it says once the link is open, or when it is accepted. */
	readonly greeting: string;

	constructor(greeting = "") {
		this.greeting = greeting;
	}

	/** A stranger who dials. */
	static dial(host: SimHost, address: Address, greeting = ""): Stranger {
		const stranger = new Stranger(greeting);
		stranger.link = host.transport.dial(address, stranger);
		return stranger;
	}

	/** Strangers who are dialled: who connects to port 7000 of `host` meets one. */
	static async listen(
		host: SimHost,
		greeting = "",
	): Promise<{ address: Address; met: Stranger[] }> {
		const address = { host: host.ip, port: 7000 };
		const met: Stranger[] = [];
		await host.transport.listen(address, (link) => {
			const stranger = new Stranger(greeting);
			met.push(stranger);
			stranger.link = link;
			stranger.open();
			return stranger;
		});
		return { address, met };
	}

	say(hex: string): void {
		this.link?.send(fromHex(hex));
	}

	open(): void {
		this.say(this.greeting);
	}

	data(chunk: Uint8Array): void {
		this.heard += toHex(chunk);
	}

	drain(): void {}

	close(error?: Error): void {
		this.end = error?.message ?? "in good order";
	}
}
