// The only file that uses nat-pmp. What it does for us: the packets, in both directions, and the socket. What makes it
// safe: a client for each request, so that answers cannot be mixed up; any local port; no datagram but the gateway's
// own of the right length and for the right port gets to see it; no lifetime of 0 but to delete.
import natPmp from "#nat-pmp";

import type { PmpReply, PmpRequest } from "../ports.ts";

/** RFC 6886, section 3.2 and 3.3: the lengths of answers, of those with an error at least. */
const ADDRESS = 12;
const MAPPING = 16;
const ERROR = 8;

const opcodeOf = (request: PmpRequest): number => {
	if (request.kind === "address") return 0;
	return request.protocol === "udp" ? 1 : 2;
};

/** Whether a datagram can be the answer to a request. */
const answers = (message: Uint8Array, request: PmpRequest): boolean => {
	if (message.length < ERROR || message[1] !== opcodeOf(request) + 128) return false;
	const view = new DataView(message.buffer, message.byteOffset, message.length);
	// Another version of the protocol, or a result code that is an error: nothing after them is read.
	if (message[0] !== 0 || view.getUint16(2) !== 0) return true;
	if (request.kind === "address") return message.length === ADDRESS;
	return message.length === MAPPING && view.getUint16(8) === request.internalPort;
};

/** Sends a request once, and waits for the gateway's answer until `signal` aborts. */
export function ask(gateway: string, request: PmpRequest, signal: AbortSignal): Promise<PmpReply> {
	return new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const client = new natPmp.Client(gateway);
		let open = true;
		const end = (settle: () => void): void => {
			if (!open) return;
			open = false;
			signal.removeEventListener("abort", abort);
			settle();
			// It would send what is still queued on a socket that is no more.
			Object.assign(client, { _queue: [] });
			client.close();
		};
		const abort = (): void => {
			end(() => {
				reject(signal.reason);
			});
		};
		const fail = (error: Error): void => {
			end(() => {
				reject(error);
			});
		};
		signal.addEventListener("abort", abort);
		client.on("error", fail);
		const hear = client.onmessage.bind(client);
		// It is no event target: this is the method that its socket's listener calls.
		// oxlint-disable-next-line unicorn/prefer-add-event-listener
		client.onmessage = (message, remote) => {
			if (!open || remote.address !== gateway || remote.port !== natPmp.SERVER_PORT) return;
			if (answers(message, request)) hear(message, remote);
		};
		const answer: Parameters<natPmp.Client["externalIp"]>[0] = (error, info) => {
			end(() => {
				if (info === undefined) {
					if (typeof error?.code === "string") reject(error);
					else
						resolve({ kind: "refusal", result: typeof error?.code === "number" ? error.code : -1 });
				} else if (request.kind === "address") {
					resolve({ kind: "address", epoch: info.epoch, address: info.ip?.join(".") ?? "" });
				} else {
					const { epoch, public: externalPort = 0, ttl: lifetime = 0 } = info;
					resolve({ kind: "map", epoch, externalPort, lifetime });
				}
			});
		};
		if (request.kind === "address") {
			client.externalIp(answer);
		} else {
			const { protocol, internalPort, externalPort, lifetime } = request;
			const mapping = { private: internalPort, public: externalPort, ttl: lifetime };
			client.portMapping({ type: protocol, ...mapping }, answer);
		}
	});
}
