import { type ChildProcess, type Serializable, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A process that does what it is told. It ends at the latest with this one, whose end closes its channel. */
export class Child<Order extends Serializable, Word> {
	readonly name: string;
	/** Resolves when it is gone, however it ended. */
	readonly ended: Promise<void>;
	killed = false;
	readonly #process: ChildProcess;

	/** @param flags of Node itself */
	constructor(
		name: string,
		program: URL,
		heard: (word: Word) => void,
		flags: readonly string[] = process.execArgv,
	) {
		this.name = name;
		this.#process = fork(fileURLToPath(program), {
			stdio: ["ignore", "ignore", "inherit", "ipc"],
			execArgv: [...flags],
		});
		this.#process.on("message", heard);
		this.ended = new Promise((resolve) => {
			// After this nothing is heard any more.
			this.#process.once("close", () => {
				resolve();
			});
		});
	}

	tell(order: Order): void {
		// One that is dead does not mind.
		this.#process.send(order, () => {});
	}

	kill(): void {
		this.killed = true;
		this.#process.kill("SIGKILL");
	}
}

/** Waits until what processes tell makes something true. One waits at a time. */
export class Hearing {
	#look: () => void = () => {};

	/** Something was told: it is looked again. */
	told(): void {
		this.#look();
	}

	/** False when the condition does not hold within so many milliseconds. */
	until(holds: () => boolean, limit: number): Promise<boolean> {
		return new Promise((resolve) => {
			const settle = (inTime: boolean): void => {
				clearTimeout(timer);
				this.#look = (): void => {};
				resolve(inTime);
			};
			const timer = setTimeout(() => {
				settle(false);
			}, limit);
			this.#look = (): void => {
				if (holds()) settle(true);
			};
			this.#look();
		});
	}
}
