import { Transform, type TransformCallback } from "node:stream";
import { StringDecoder } from "node:string_decoder";

import type { Surroundings } from "./surroundings.ts";

/** What is typed on a terminal that knows raw mode. */
type Terminal = Surroundings["stdin"] & { setRawMode?(on: boolean): unknown };

/**
 * What is typed or pasted on a terminal, a key at a time. Node's readline takes keys that come in one piece for pasted, and
 * puts them at the end of the line, wherever the cursor is.
 */
export class TypedKeys extends Transform {
	readonly #terminal: Terminal;
	readonly #decoder = new StringDecoder("utf8");

	constructor(terminal: Terminal) {
		super({ readableObjectMode: true });
		this.#terminal = terminal;
		terminal.on("error", (error) => this.destroy(error));
		terminal.pipe(this);
	}

	/** As `createInterface` asks of its input. */
	setRawMode(on: boolean): void {
		this.#terminal.setRawMode?.(on);
	}

	override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
		// In the middle of what is pasted, a tab does not ask how the line may go on.
		const keys = this.#decoder.write(chunk).replaceAll(/\t(?=.)/gsu, " ");
		for (const key of keys) this.push(key);
		done();
	}

	override _final(done: TransformCallback): void {
		this.#terminal.unpipe(this);
		this.#terminal.pause();
		done();
	}
}
