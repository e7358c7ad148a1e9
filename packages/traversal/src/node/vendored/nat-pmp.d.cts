import type { RemoteInfo } from "node:dgram";
import type { EventEmitter } from "node:events";

/** What bundle.mjs takes of nat-pmp 1.0.0, as far as the adapter uses it. */
declare namespace natPmp {
	/** What it makes of an answer without an error. */
	interface Info {
		readonly epoch: number;
		/** Of an address. */
		readonly ip?: readonly number[];
		/** Of a mapping. */
		readonly private?: number;
		readonly public?: number;
		readonly ttl?: number;
	}

	type Answer = (error: (Error & { readonly code?: unknown }) | null, info?: Info) => void;

	class Client extends EventEmitter {
		constructor(gateway: string);
		onmessage(message: Uint8Array, remote: RemoteInfo): void;
		externalIp(answer: Answer): void;
		portMapping(
			options: {
				readonly type: "tcp" | "udp";
				readonly private: number;
				readonly public: number;
				readonly ttl: number;
			},
			answer: Answer,
		): void;
		close(): void;
	}

	const SERVER_PORT: number;
}

export = natPmp;
