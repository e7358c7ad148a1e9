import type { Socket } from "node:dgram";
import type { EventEmitter } from "node:events";

/** What bundle.mjs takes of nat-upnp 1.1.1, as far as the adapter uses it. */
declare namespace natUpnp {
	interface Ssdp extends EventEmitter {
		/** Where searches go. */
		multicast: string;
		port: number;
		sockets: Socket[];
		createSocket(item: { readonly family: "IPv4"; readonly address: string }): Socket;
		parseResponse(
			this: { emit(type: "_device", headers: Readonly<Record<string, string>>): void },
			response: string,
			localAddress: string,
			remote: { readonly address: string },
		): void;
		search(target: string): EventEmitter;
	}

	/** How the request is sent: in the place of nat-upnp's own HTTP. */
	interface Control {
		send(
			request: {
				readonly method: string;
				readonly headers: Readonly<Record<string, string | number>>;
				readonly body: string;
			},
			answer: (error: unknown, reply?: { statusCode: 200 }, parsed?: { Body: unknown }) => void,
		): void;
	}

	interface Device {
		getService: (
			types: readonly string[],
			answer: (error: null, info: { service: string; controlURL: Control }) => void,
		) => void;
		run(
			action: string,
			args: readonly (readonly [name: string, value: string | number])[],
			answer: (error: unknown, body?: unknown) => void,
		): void;
	}

	const ssdp: { create(): Ssdp };
	const device: { create(url: string): Device };
}

export = natUpnp;
