import type { Writable } from "node:stream";

/** What a terminal takes for each style: ECMA-48, Select Graphic Rendition. */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32 };

type Style = keyof typeof STYLES;

/** Off a terminal, milliseconds between what was told last and how far something has come. */
const SPARSE = 1_000;

/** Where the demo tells its story: on a terminal with colours and progress in place, elsewhere in plain lines. */
export class Stage {
	readonly #stream: Writable & { readonly isTTY?: boolean };
	readonly #colour: boolean;
	#told = performance.now();
	#inPlace = false;

	constructor(stream: Writable & { readonly isTTY?: boolean }, colour: boolean) {
		this.#stream = stream;
		this.#colour = colour && stream.isTTY === true;
	}

	paint(style: Style, text: string): string {
		return this.#colour ? `\u001B[${STYLES[style]}m${text}\u001B[0m` : text;
	}

	line(text = ""): void {
		this.clear();
		this.#told = performance.now();
		this.#stream.write(`${text}\n`);
	}

	/** How far something has come: each step on a terminal, elsewhere now and then. */
	progress(title: string, done: number, all: number): void {
		const text = this.#entry("dim", "·", title, `${done} of ${all}`);
		if (this.#stream.isTTY === true) {
			this.#stream.write(`\r\u001B[K${text}`);
			this.#inPlace = true;
			return;
		}
		if (performance.now() - this.#told >= SPARSE) this.line(text);
	}

	/** A chapter has come to its end. */
	done(title: string, what: string): void {
		this.line(this.#entry("green", "✓", title, what));
	}

	failed(what: string): void {
		this.line(`  ${this.paint("red", "✗")} ${what}`);
	}

	/** Takes back progress that nothing will follow. */
	clear(): void {
		if (this.#inPlace) this.#stream.write("\r\u001B[K");
		this.#inPlace = false;
	}

	#entry(style: Style, mark: string, title: string, what: string): string {
		return `  ${this.paint(style, mark)} ${title.padEnd(10)} ${what}`;
	}
}
