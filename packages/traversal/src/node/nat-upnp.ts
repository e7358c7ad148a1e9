// The only file that uses nat-upnp. What it does for us: the SSDP search and the framing of SOAP requests. What makes
// it safe: it gets sockets of our choice, each with a listener for all of its errors; it sees no datagram that is
// longer than an answer need be; and its requests go out by our own HTTP.
import natUpnp from "#nat-upnp";

import type { HttpReply, SearchReply, SoapRequest } from "../ports.ts";
import { http } from "./http.ts";

/** The longest datagram that is read; it takes nat-upnp time in proportion to its square. */
const DATAGRAM = 2_048;
/** How many datagrams are read in one search. */
const DATAGRAMS = 256;
/** How many interfaces are searched. */
const INTERFACES = 16;

/** UPnP Device Architecture 1.1, section 1.3.2. */
const SSDP = { address: "239.255.255.250", port: 1900 };

/** Multicasts M-SEARCH once for each target from each address; tells the answers until `signal` aborts. */
export function search(
	from: readonly string[],
	targets: readonly string[],
	found: (reply: SearchReply) => void,
	signal: AbortSignal,
	to: { readonly address: string; readonly port: number } = SSDP,
): void {
	if (signal.aborted) return;
	const client = natUpnp.ssdp.create();
	client.multicast = to.address;
	client.port = to.port;
	const parse = Object.getPrototypeOf(client) as typeof client;
	let datagrams = 0;
	client.parseResponse = (text, localAddress, { address: source }) => {
		datagrams++;
		if (text.length > DATAGRAM || datagrams > DATAGRAMS || signal.aborted) return;
		const emit = (_: string, { st, location }: Readonly<Record<string, string>>): void => {
			if (location === undefined || st === undefined || !targets.includes(st)) return;
			found({ location, source, localAddress });
		};
		parse.parseResponse.call({ emit }, text, localAddress, { address: source });
	};
	const sockets = from.slice(0, INTERFACES).map((address) => {
		const socket = client.createSocket({ family: "IPv4", address });
		// Its own listener hears only the first.
		socket.on("error", () => {});
		// The kernel may choose another interface for multicast than that of the address.
		socket.once("listening", () => {
			try {
				socket.setMulticastInterface(address);
			} catch {
				// Then it chooses.
			}
		});
		return socket;
	});
	// It takes sockets out of its own list when they fail.
	client.sockets = [...sockets];
	for (const target of targets) client.search(target);
	const close = (): void => {
		client.sockets = [];
		for (const socket of sockets) socket.close();
	};
	// It binds them in the next tick, and does not expect them to be closed by then.
	signal.addEventListener("abort", () => setImmediate(close), { once: true });
}

/** A SOAP action: framed by nat-upnp, sent and answered by {@link http}. */
export function call(request: SoapRequest, signal: AbortSignal): Promise<HttpReply> {
	return new Promise((resolve, reject) => {
		const client = natUpnp.device.create(request.url.href);
		client.getService = (_, answer) => {
			answer(null, {
				service: request.service,
				controlURL: {
					send: (framed, answer) => {
						http(request, framed, signal).then((reply) => {
							answer(null, { statusCode: 200 }, { Body: reply });
						}, answer);
					},
				},
			});
		};
		client.run(request.action, request.args, (error, reply) => {
			if (reply === undefined) reject(error);
			else resolve(reply as HttpReply);
		});
	});
}
