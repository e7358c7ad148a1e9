/** What kind of thing happened. */
export type TraceKind =
	| "start"
	| "timer"
	| "dial"
	| "accept"
	| "open"
	| "send"
	| "data"
	| "lost"
	| "drain"
	| "close"
	| "fault";

/** The kinds in the order of the numbers that the hash uses for them. */
export const TRACE_KINDS: readonly TraceKind[] = [
	"start",
	"timer",
	"dial",
	"accept",
	"open",
	"send",
	"data",
	"lost",
	"drain",
	"close",
	"fault",
];

/** One thing that happened. */
export interface TraceEvent {
	/** Its number, from 0. */
	readonly number: number;
	/** Virtual milliseconds. */
	readonly at: number;
	/** What happened. */
	readonly kind: TraceKind;
	/** The name of the host where it happened; empty for a fault, which happens to the world. */
	readonly host: string;
	/** The number of the link, or 0. Both ends of a link have the same. */
	readonly link: number;
	/** Bytes, for what has bytes. */
	readonly size: number;
}

/** What a trace does besides keeping its hash. */
export interface TraceOptions {
	/**
	 * Whether the bytes that arrive are folded into the hash, or only their number. Switch it off for a protocol
	 * whose bytes cannot repeat, such as one that draws its keys outside the simulation. On by default.
	 */
	readonly content?: boolean;
	/** Called with each event. Slows the run down. */
	readonly sink?: (event: TraceEvent) => void;
	/** Remembers the last so many events in {@link Trace.recent}. 0 by default. */
	readonly keep?: number;
	/** Remembers the hash after every so many events in {@link Trace.checkpoints}. 0 (never) by default. */
	readonly every?: number;
}

/** A digest of all that happened so far, and, when asked for, what it was. */
export class Trace {
	readonly #content: boolean;
	readonly #keep: number;
	readonly #every: number;
	readonly #sink: ((event: TraceEvent) => void) | undefined;
	readonly #recent: TraceEvent[] = [];
	readonly #checkpoints: string[] = [];
	#oldest = 0;
	#count = 0;
	#high = 0x243f6a88;
	#low = 0x85a308d3;

	constructor(options: TraceOptions = {}) {
		this.#content = options.content ?? true;
		this.#keep = options.keep ?? 0;
		this.#every = options.every ?? 0;
		this.#sink = options.sink;
	}

	/** How many things have happened. */
	get count(): number {
		return this.#count;
	}

	/** 16 hexadecimal digits that two runs share when, and practically only when, the same happened in them. */
	get hash(): string {
		return hex(this.#high) + hex(this.#low);
	}

	/** The last events, oldest first: at most `keep` of them. */
	get recent(): readonly TraceEvent[] {
		return [...this.#recent.slice(this.#oldest), ...this.#recent.slice(0, this.#oldest)];
	}

	/** The hash after every so many events. */
	get checkpoints(): readonly string[] {
		return this.#checkpoints;
	}

	/** Adds an event. @param at virtual microseconds */
	note(
		at: number,
		kind: number,
		host: number,
		name: string,
		link: number,
		size: number,
		bytes?: Uint8Array,
	): void {
		this.fold(at | 0);
		this.fold((at / 4294967296) | 0);
		this.fold(Math.imul(host, 16) + kind);
		this.fold(link);
		this.fold(size);
		if (bytes !== undefined && this.#content) this.#foldBytes(bytes);
		const number = this.#count++;
		if (this.#every > 0 && this.#count % this.#every === 0) this.#checkpoints.push(this.hash);
		if (this.#sink === undefined && this.#keep === 0) return;
		const event: TraceEvent = {
			number,
			at: at / 1000,
			kind: TRACE_KINDS[kind] as TraceKind,
			host: name,
			link,
			size,
		};
		if (this.#keep > 0) {
			this.#recent[this.#oldest] = event;
			this.#oldest = (this.#oldest + 1) % this.#keep;
		}
		this.#sink?.(event);
	}

	/** Folds one 32-bit word into the hash. */
	fold(word: number): void {
		const high = Math.imul(this.#high ^ word, 0x9e3779b1);
		const low = Math.imul(this.#low + word, 0x85ebca6b);
		this.#high = ((high << 13) | (high >>> 19)) ^ low;
		this.#low = (low ^ (low >>> 15)) + high;
	}

	#foldBytes(bytes: Uint8Array): void {
		const length = bytes.length;
		const words = length & ~3;
		for (let i = 0; i < words; i += 4) {
			this.fold(
				(bytes[i] as number) |
					((bytes[i + 1] as number) << 8) |
					((bytes[i + 2] as number) << 16) |
					((bytes[i + 3] as number) << 24),
			);
		}
		for (let i = words; i < length; i++) this.fold(bytes[i] as number);
	}
}

function hex(word: number): string {
	return (word >>> 0).toString(16).padStart(8, "0");
}
