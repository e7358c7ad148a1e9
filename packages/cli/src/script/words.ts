import type { Problem } from "./command.ts";

/** A word of a line, and the column that it begins at. */
export interface Word {
	readonly text: string;
	readonly column: number;
}

/** One line, read word by word. It notes what is wrong with them and where. */
export class Words {
	readonly #line: string;
	readonly #number: number;
	readonly #problems: Problem[];
	/** How much of the line was read. */
	#at = 0;

	constructor(line: string, number: number, problems: Problem[]) {
		this.#line = line;
		this.#number = number;
		this.#problems = problems;
	}

	/** The next word; where there is none, its text is empty. */
	next(): Word {
		const [found = "", space = "", text = ""] =
			/^(\s*)(\S*)/.exec(this.#line.slice(this.#at)) ?? [];
		const word = { text, column: this.#columnOf(this.#at + space.length) };
		this.#at += found.length;
		return word;
	}

	/** All that is left, as it was written, but for the space before and after it. */
	rest(): Word {
		const left = this.#line.slice(this.#at);
		const text = left.trim();
		const column = this.#columnOf(this.#at + left.length - left.trimStart().length);
		this.#at = this.#line.length;
		return { text, column };
	}

	/** The next word as a number; `otherwise` where there is none. */
	number(what: string, valid: (value: number) => boolean, otherwise?: number): number | undefined {
		const word = this.next();
		if (word.text === "" && otherwise !== undefined) return otherwise;
		const value = /^-?\d{1,12}(\.\d{1,3})?$/.test(word.text) ? Number(word.text) : Number.NaN;
		if (valid(value)) return value;
		return this.wrong(
			word,
			`${what}${word.text === "" ? "" : `, not ${JSON.stringify(word.text)}`}`,
		);
	}

	/** Nothing else may follow. */
	end(after: string): void {
		const word = this.rest();
		if (word.text !== "")
			this.wrong(word, `${after} takes nothing more: ${JSON.stringify(word.text)}`);
	}

	wrong({ column }: Word, message: string): undefined {
		this.#problems.push({ line: this.#number, column, message });
	}

	/** Columns count characters as people do, which one of two code units is not. */
	#columnOf(index: number): number {
		return Array.from(this.#line.slice(0, index)).length + 1;
	}
}
