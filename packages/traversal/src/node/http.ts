import { request } from "node:http";

import { TraversalError } from "../errors.ts";
import type { HttpReply, HttpRequest } from "../ports.ts";

/** How many bytes the head of an answer may have. */
const HEAD = 8_192;

/** What is sent besides the address. */
export interface Content {
	readonly method: string;
	readonly headers: Readonly<Record<string, string | number>>;
	readonly body: string;
}

/**
 * One request on a connection of its own, which is closed in any case. A redirect is an answer like others. Who calls
 * it has made sure that the URL may be asked.
 */
export function http(
	{ url, localAddress, limit }: HttpRequest,
	{ method, headers, body }: Content,
	signal: AbortSignal,
): Promise<HttpReply> {
	return new Promise((resolve, reject) => {
		const sent = request(
			{
				host: url.hostname,
				port: url.port === "" ? 80 : url.port,
				path: url.pathname + url.search,
				method,
				headers,
				localAddress,
				signal,
				agent: false,
				maxHeaderSize: HEAD,
			},
			(reply) => {
				const chunks: Uint8Array[] = [];
				let size = 0;
				reply.on("data", (chunk: Uint8Array) => {
					size += chunk.length;
					chunks.push(chunk);
					if (size <= limit) return;
					reject(new TraversalError("MALFORMED", `its answer is longer than ${limit} bytes`));
					sent.destroy();
				});
				reply.on("error", reject);
				reply.on("end", () => {
					const text = new TextDecoder();
					const decoded = chunks.map((chunk) => text.decode(chunk, { stream: true })).join("");
					resolve({ status: reply.statusCode ?? 0, body: decoded + text.decode() });
					sent.destroy();
				});
			},
		);
		sent.on("error", reject);
		sent.on("upgrade", (_, socket) => socket.destroy());
		sent.end(body);
	});
}
