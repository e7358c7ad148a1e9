import { Framer, SIZE, withSize } from "../wire/framer.ts";
import { LARGE } from "../wire/writer.ts";
import { type CipherState, LONGEST_MESSAGE, TAG } from "./cipher-state.ts";

/** The most that one record carries. */
export const RECORD: number = LONGEST_MESSAGE - TAG;

/** Records after which a direction goes on to its next key, so that whoever finds one cannot read what was before. */
const REKEY = 1_000;

/**
 * What a link carries once its handshake is done: a stream of bytes, cut into sealed records.
 *
 * A record opens only as the next one of its direction. So none can be altered, left out, repeated, moved, or sent
 * back to where it came from; and a stream that was cut off lacks its goodbye.
 */
export class Channel {
	readonly #sealing: CipherState;
	readonly #opening: CipherState;
	/** What is sealed is of no more use once it has been opened. */
	readonly #framer = new Framer(LONGEST_MESSAGE, SIZE, LARGE);

	constructor({ send, receive }: { readonly send: CipherState; readonly receive: CipherState }) {
		this.#sealing = send;
		this.#opening = receive;
	}

	/** The most that a record of the other end may carry. */
	set limit(content: number) {
		this.#framer.limit = Math.min(content + TAG, LONGEST_MESSAGE);
	}

	/** The records that carry these bytes, each with its length before it. The first is written into `memory`, where given. */
	seal(content: Uint8Array, memory?: Uint8Array): Uint8Array[] {
		const records: Uint8Array[] = [];
		for (let start = 0; start < content.length; start += RECORD) {
			const part = content.subarray(start, start + RECORD);
			const size = SIZE + part.length + TAG;
			const isGiven = start === 0 && memory !== undefined;
			const record = isGiven ? memory.subarray(0, size) : new Uint8Array(size);
			this.#sealing.encrypt(part, undefined, record.subarray(SIZE));
			records.push(withSize(record));
			renew(this.#sealing);
		}
		return records;
	}

	/**
	 * Calls `emit` with what each record carries that `chunk` completes, until it returns false.
	 * @throws ChordError `FORGED` for what is not the other end's next record, `MALFORMED` for one that is too long
	 */
	push(chunk: Uint8Array, emit: (content: Uint8Array) => boolean): void {
		this.#framer.push(chunk, (record) => {
			const content = this.#opening.decrypt(record.rest());
			renew(this.#opening);
			return emit(content);
		});
	}
}

function renew(cipher: CipherState): void {
	if (cipher.count % REKEY === 0) cipher.rekey();
}
