import { fingerStart } from "../id.ts";
import type { Lookups } from "./lookup.ts";
import type { Found } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import type { RingState } from "./state.ts";
import { UnderWay } from "./under-way.ts";

/** How long one finger's lookup may take. */
const PATIENCE = 3_000;

/** Looks up the fingers that start beyond the successor list. */
export class Fingers {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #lookups: Lookups;
	readonly #underWay = new UnderWay();
	/** Fingers that are still to be looked up in this sweep of the table. */
	#due: number[] = [];
	#running = false;

	constructor(state: RingState, network: RingNetwork, lookups: Lookups) {
		this.#state = state;
		this.#network = network;
		this.#lookups = lookups;
	}

	/** Looks up the next finger, or `all` of them, one after the other; nothing while that is under way. */
	refresh(all: boolean): void {
		if (this.#running) return;
		if (this.#due.length === 0) {
			this.#due = [...this.#state.distantFingers];
			for (const exponent of this.#state.fingers.keys()) {
				if (!this.#due.includes(exponent)) this.#state.fingers.delete(exponent);
			}
		}
		this.#next(all ? this.#due.length : 1);
	}

	stop(): void {
		this.#underWay.cancelAll();
		this.#running = false;
		this.#due = [];
	}

	#next(count: number): void {
		const exponent = count > 0 ? this.#due.shift() : undefined;
		this.#running = exponent !== undefined;
		if (exponent === undefined) return;
		const start = fingerStart(this.#state.self.id, exponent);
		this.#underWay.track<Found>(
			(done) => this.#lookups.recursive(start, PATIENCE, done),
			(_error, found) => {
				if (found !== undefined) this.#set(exponent, found);
				this.#next(count - 1);
			},
		);
	}

	#set(exponent: number, { owner }: Found): void {
		const { fingers, self } = this.#state;
		if (owner.same(fingers.get(exponent))) return;
		if (owner.id === self.id) fingers.delete(exponent);
		else fingers.set(exponent, owner);
		this.#network.keep(this.#state.neighbours());
	}
}
