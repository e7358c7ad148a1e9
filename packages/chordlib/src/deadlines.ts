import type { Clock, Timer } from "./ports.ts";

/** Milliseconds by which something may run before its time: less than timers tell apart. */
const SLACK = 1;

/** Something that runs when its time is over, unless it is cancelled before. */
class Deadline implements Timer {
	readonly due: number;
	run: (() => void) | undefined;
	row: Row | undefined;
	before: Deadline | undefined;
	after: Deadline | undefined;

	constructor(due: number, run: () => void) {
		this.due = due;
		this.run = run;
	}

	cancel(): void {
		this.row?.remove(this);
	}
}

/** Those that wait equally long, in the order in which they began, which is that in which they end. */
class Row {
	readonly #clock: Clock;
	readonly #emptied: () => void;
	#first: Deadline | undefined;
	#last: Deadline | undefined;
	#timer: Timer | undefined;

	constructor(clock: Clock, emptied: () => void) {
		this.#clock = clock;
		this.#emptied = emptied;
	}

	add(deadline: Deadline): void {
		deadline.row = this;
		deadline.before = this.#last;
		if (this.#last === undefined) this.#first = deadline;
		else this.#last.after = deadline;
		this.#last = deadline;
		if (this.#timer === undefined) this.#await(this.#first ?? deadline);
	}

	remove(deadline: Deadline): void {
		const { before, after } = deadline;
		if (before === undefined) this.#first = after;
		else before.after = after;
		if (after === undefined) this.#last = before;
		else after.before = before;
		// Whoever keeps it keeps nothing else.
		deadline.run = deadline.row = deadline.before = deadline.after = undefined;
		if (this.#first !== undefined) return;
		this.#timer?.cancel();
		this.#timer = undefined;
		this.#emptied();
	}

	/** The timer is for the first of them; when that has gone, it comes too early for the next, and is set again. */
	#await({ due }: Deadline): void {
		this.#timer = this.#clock.schedule(Math.max(0, due - this.#clock.now()), () => {
			this.#timer = undefined;
			try {
				this.#runDue();
			} finally {
				// Also where one of them throws: the others are not its own.
				if (this.#first !== undefined && this.#timer === undefined) this.#await(this.#first);
			}
		});
	}

	#runDue(): void {
		const now = this.#clock.now();
		for (let next = this.#first; next && next.due < now + SLACK; next = this.#first) {
			const { run } = next;
			this.remove(next);
			run?.();
		}
	}
}

/**
 * Time limits of many operations, most of which end long before. Those that have the same share one timer: a timer for
 * each takes longer than much of what has one.
 */
export class Deadlines {
	readonly #clock: Clock;
	/** By milliseconds. */
	readonly #rows = new Map<number, Row>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** As {@link Clock.schedule}. */
	schedule(delay: number, run: () => void): Timer {
		const deadline = new Deadline(this.#clock.now() + delay, run);
		const row = this.#rows.get(delay) ?? this.#newRow(delay);
		row.add(deadline);
		return deadline;
	}

	#newRow(delay: number): Row {
		const row = new Row(this.#clock, () => {
			this.#rows.delete(delay);
		});
		this.#rows.set(delay, row);
		return row;
	}
}
