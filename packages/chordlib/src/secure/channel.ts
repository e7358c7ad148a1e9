import type { Clock } from "../ports.ts";
import { Framer, SIZE, sized } from "../wire/framer.ts";
import { type CipherState, LONGEST_MESSAGE, TAG } from "./cipher-state.ts";

/** The most that one record carries. */
export const RECORD: number = LONGEST_MESSAGE - TAG;

/** Records after which a direction goes on to its next key, so that whoever finds one cannot read what was before. */
const REKEY = 1_000;

/**
 * What a link carries once its handshake is done: a stream of bytes, cut into sealed records. All that is sent in one
 * go is sealed as one: sealing costs by the record more than by the byte.
 *
 * A record opens only as the next one of its direction. So none can be altered, left out, repeated, moved, or sent
 * back to where it came from; and a stream that was cut off lacks its goodbye.
 */
export class Channel {
	readonly #clock: Clock;
	readonly #sealing: CipherState;
	readonly #opening: CipherState;
	readonly #write: (bytes: Uint8Array) => void;
	readonly #framer = new Framer(LONGEST_MESSAGE, SIZE);
	#waiting: Uint8Array[] = [];
	#size = 0;

	/** `write` takes each record, sealed and with its length before it. */
	constructor(
		clock: Clock,
		{ send, receive }: { readonly send: CipherState; readonly receive: CipherState },
		write: (bytes: Uint8Array) => void,
	) {
		this.#clock = clock;
		this.#sealing = send;
		this.#opening = receive;
		this.#write = write;
	}

	/** The most that a record of the other end may carry. */
	set limit(content: number) {
		this.#framer.limit = Math.min(content + TAG, LONGEST_MESSAGE);
	}

	/** Bytes that wait to be sealed. */
	get waiting(): number {
		return this.#size;
	}

	/** Sends bytes, which the caller no longer changes, with all that is sent until what runs now has finished. */
	send(bytes: Uint8Array): void {
		if (this.#size === 0) {
			this.#clock.defer(() => {
				this.flush();
			});
		}
		this.#waiting.push(bytes);
		this.#size += bytes.length;
		if (this.#size >= RECORD) this.flush();
	}

	/** Sends now what waits. */
	flush(): void {
		const content = concat(this.#waiting, this.#size);
		this.#waiting = [];
		this.#size = 0;
		for (let start = 0; start < content.length; start += RECORD) {
			const record = this.#sealing.encrypt(content.subarray(start, start + RECORD));
			this.#write(sized(record));
			renew(this.#sealing);
		}
	}

	/**
	 * Calls `emit` with what each record carries that `chunk` completes, until it returns false.
	 * @throws ChordError `FORGED` for what is not the other end's next record, `MALFORMED` for one that is too long
	 */
	push(chunk: Uint8Array, emit: (content: Uint8Array) => boolean): void {
		this.#framer.push(chunk, (record) => {
			const content = this.#opening.decrypt(record);
			renew(this.#opening);
			return emit(content);
		});
	}
}

function renew(cipher: CipherState): void {
	if (cipher.count % REKEY === 0) cipher.rekey();
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
	const [first] = parts;
	if (first?.length === length) return first;
	const whole = new Uint8Array(length);
	let offset = 0;
	for (const part of parts) {
		whole.set(part, offset);
		offset += part.length;
	}
	return whole;
}
