import { CHUNK_HEAD, type Chunk, PACKET_CHUNKS } from "./delivery-messages.ts";

/** A numbered chunk under way. */
export interface InFlight<Message> extends Chunk {
	readonly number: number;
	readonly message: Message;
	attempts: number;
	/** When it was last sent. */
	sent: number;
}

/**
 * Chunks of one session under way at once, and bytes of them: fewer than a link may have unsent before it drops some, and
 * than a receiver keeps before their turn. What was dropped costs a time-out.
 */
const WINDOW = { chunks: 1_024, bytes: 3 * 1_048_576 };

/** The chunks of one session that were sent and are not taken yet, in the order of their numbers. */
export class Flight<Message> {
	readonly #chunks = new Map<number, InFlight<Message>>();
	#next = 0;
	#bytes = 0;

	get size(): number {
		return this.#chunks.size;
	}

	/** The lowest number that is under way, or the next one. */
	get base(): number {
		const [base = this.#next] = this.#chunks.keys();
		return base;
	}

	get hasRoom(): boolean {
		return this.#chunks.size < WINDOW.chunks && this.#bytes < WINDOW.bytes;
	}

	get(number: number): InFlight<Message> | undefined {
		return this.#chunks.get(number);
	}

	values(): IterableIterator<InFlight<Message>> {
		return this.#chunks.values();
	}

	/** Gives a chunk the next number. */
	add(message: Message, chunk: Chunk): InFlight<Message> {
		const entry = { ...chunk, message, number: this.#next++, attempts: 0, sent: 0 };
		this.#chunks.set(entry.number, entry);
		this.#bytes += chunk.data.length;
		return entry;
	}

	remove({ number, data }: InFlight<Message>): void {
		if (this.#chunks.delete(number)) this.#bytes -= data.length;
	}

	/** Forgets all, and begins a new session at 0. */
	clear(): void {
		this.#chunks.clear();
		this.#bytes = 0;
		this.#next = 0;
	}
}

/** Cuts a row of chunks into packets: chunks in one follow each other, fit into `size` bytes, and are `alike`. */
export function packets<Entry extends Chunk & { readonly number: number }>(
	chunks: Iterable<Entry>,
	size: number,
	alike: (a: Entry, b: Entry) => boolean,
): Entry[][] {
	const all: Entry[][] = [];
	let packet: Entry[] = [];
	let bytes = 0;
	for (const chunk of chunks) {
		const cost = chunk.data.length + CHUNK_HEAD;
		const last = packet.at(-1);
		const fits =
			last !== undefined &&
			chunk.number === last.number + 1 &&
			bytes + cost <= size &&
			packet.length < PACKET_CHUNKS &&
			alike(last, chunk);
		if (!fits) {
			packet = [];
			all.push(packet);
			bytes = 0;
		}
		packet.push(chunk);
		bytes += cost;
	}
	return all;
}
