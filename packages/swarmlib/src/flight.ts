import { CHUNK_HEAD, type Chunk } from "./delivery-messages.ts";
import { Row } from "./row.ts";

/** A numbered chunk under way. */
export class InFlight<Message> implements Chunk {
	readonly number: number;
	readonly message: Message;
	readonly start: boolean;
	readonly end: boolean;
	readonly data: Uint8Array;
	attempts = 0;
	/** When it was last sent. */
	sent = 0;

	constructor(number: number, message: Message, { start, end, data }: Chunk) {
		this.number = number;
		this.message = message;
		this.start = start;
		this.end = end;
		this.data = data;
	}
}

/**
 * Chunks of one session under way at once, and bytes of them: fewer than a link may have unsent before it drops some, and
 * than a receiver keeps before their turn. What was dropped costs a time-out.
 */
const WINDOW = { chunks: 1_024, bytes: 3 * 1_048_576 };

/** The chunks of one session that were sent and are not taken yet, in the order of their numbers. */
export class Flight<Message> {
	#chunks = new Row<InFlight<Message>>();
	#bytes = 0;

	get size(): number {
		return this.#chunks.size;
	}

	/** The lowest number that is under way, or the next one. */
	get base(): number {
		return this.#chunks.first;
	}

	/** The number of the chunk that comes next. */
	get next(): number {
		return this.#chunks.next;
	}

	get hasRoom(): boolean {
		// A receiver keeps no more numbers before their turn, whatever was taken back between.
		return this.next - this.base < WINDOW.chunks && this.#bytes < WINDOW.bytes;
	}

	get(number: number): InFlight<Message> | undefined {
		return this.#chunks.get(number);
	}

	values(): Iterable<InFlight<Message>> {
		return this.#chunks;
	}

	/** Gives a chunk the next number. */
	add(message: Message, chunk: Chunk): InFlight<Message> {
		const entry = new InFlight(this.#chunks.next, message, chunk);
		this.#chunks.add(entry);
		this.#bytes += chunk.data.length;
		return entry;
	}

	remove({ number, data }: InFlight<Message>): void {
		if (this.#chunks.remove(number)) this.#bytes -= data.length;
	}

	/** Forgets all, and goes on with a number of another session. */
	begin(next: number): void {
		this.#chunks = new Row(next);
		this.#bytes = 0;
	}
}

/** Chunks in a packet at most: a quarter of the window, so that one end takes them while the other sends more. */
export const FULL_PACKET = 256;

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
			packet.length < FULL_PACKET &&
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
