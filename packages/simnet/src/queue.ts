/** Something that happens at a moment of virtual time. */
export interface Task {
	/** True once it is not to happen any more. */
	readonly dead: boolean;
	/** Makes it happen. */
	run(): void;
}

const ARITY = 4;

/**
 * What is to happen, ordered by (time, order of arrival): a 4-ary heap whose keys lie in typed arrays, so
 * that sifting reads neighbouring numbers instead of chasing objects.
 */
export class EventQueue {
	#times = new Float64Array(1024);
	#orders = new Float64Array(1024);
	#tasks: (Task | undefined)[] = [];
	#size = 0;
	#arrivals = 0;
	#dead = 0;

	/** Tasks that wait, those that died among them. */
	get size(): number {
		return this.#size;
	}

	/** When the first live task is due, or Infinity. */
	next(): number {
		while (this.#size > 0 && this.#tasks[0]?.dead === true) {
			this.#dead--;
			this.#removeFirst();
		}
		return this.#size === 0 ? Infinity : (this.#times[0] as number);
	}

	/** The first task. Call {@link next} before. */
	take(): Task {
		const first = this.#tasks[0] as Task;
		this.#removeFirst();
		return first;
	}

	add(time: number, task: Task): void {
		if (this.#size === this.#times.length) this.#grow();
		this.#rise(this.#size++, time, this.#arrivals++, task);
	}

	/** To be called when a waiting task dies, so that dead ones never fill the queue. */
	died(): void {
		if (++this.#dead > 1024 && this.#dead * 2 > this.#size) this.#rebuild((_task, time) => time);
	}

	/** Moves tasks: `when` gives the new time of each. Order of arrival is kept. */
	move(when: (task: Task, time: number) => number): void {
		this.#rebuild(when);
	}

	#grow(): void {
		const times = new Float64Array(this.#size * 2);
		const orders = new Float64Array(this.#size * 2);
		times.set(this.#times);
		orders.set(this.#orders);
		this.#times = times;
		this.#orders = orders;
	}

	#rebuild(when: (task: Task, time: number) => number): void {
		const size = this.#size;
		let kept = 0;
		for (let i = 0; i < size; i++) {
			const task = this.#tasks[i] as Task;
			if (task.dead) continue;
			this.#times[kept] = when(task, this.#times[i] as number);
			this.#orders[kept] = this.#orders[i] as number;
			this.#tasks[kept++] = task;
		}
		this.#tasks.length = kept;
		this.#size = kept;
		this.#dead = 0;
		for (let i = Math.floor((kept - 2) / ARITY); i >= 0; i--) {
			this.#sink(i, this.#times[i] as number, this.#orders[i] as number, this.#tasks[i]);
		}
	}

	#removeFirst(): void {
		const last = --this.#size;
		const time = this.#times[last] as number;
		const order = this.#orders[last] as number;
		const task = this.#tasks[last];
		this.#tasks[last] = undefined;
		if (last > 0) this.#sink(0, time, order, task);
	}

	#rise(start: number, time: number, order: number, task: Task): void {
		const times = this.#times;
		const orders = this.#orders;
		const tasks = this.#tasks;
		let at = start;
		while (at > 0) {
			const parent = (at - 1) >> 2;
			// A task that has just come is the latest: at equal times it stays below.
			if (time >= (times[parent] as number)) break;
			times[at] = times[parent] as number;
			orders[at] = orders[parent] as number;
			tasks[at] = tasks[parent];
			at = parent;
		}
		times[at] = time;
		orders[at] = order;
		tasks[at] = task;
	}

	#sink(start: number, time: number, order: number, task: Task | undefined): void {
		const times = this.#times;
		const orders = this.#orders;
		const tasks = this.#tasks;
		const size = this.#size;
		let at = start;
		for (;;) {
			const first = at * ARITY + 1;
			if (first >= size) break;
			const end = Math.min(first + ARITY, size);
			let least = first;
			let leastTime = times[first] as number;
			let leastOrder = orders[first] as number;
			for (let child = first + 1; child < end; child++) {
				const childTime = times[child] as number;
				if (childTime > leastTime) continue;
				const childOrder = orders[child] as number;
				if (childTime === leastTime && childOrder > leastOrder) continue;
				least = child;
				leastTime = childTime;
				leastOrder = childOrder;
			}
			if (time < leastTime || (time === leastTime && order < leastOrder)) break;
			times[at] = leastTime;
			orders[at] = leastOrder;
			tasks[at] = tasks[least];
			at = least;
		}
		times[at] = time;
		orders[at] = order;
		tasks[at] = task;
	}
}
