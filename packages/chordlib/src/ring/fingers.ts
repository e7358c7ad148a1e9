import type { Contact } from "../contact.ts";
import { fingerStart } from "../id.ts";
import type { Lookups } from "./lookup.ts";
import { type Found, type View, askAlive, askView } from "./messages.ts";
import type { RingNetwork } from "./network.ts";
import type { RingState } from "./state.ts";
import { UnderWay } from "./under-way.ts";

/** How long one lookup, or one question, may take. */
const PATIENCE = 3_000;
/** How many nodes of its interval a finger is chosen among. */
const CANDIDATES = 16;
/** How many of them are kept to take its place. */
const BACKUPS = 2;
/** How many of them are asked for their round trips at a time. */
const PROBES = 4;
/** A round trip, in milliseconds, that is short enough to look for no shorter one. */
const NEAR = 10;
/** Milliseconds from one sweep of the table to the next, where the first came upon nobody new. */
const SWEEP = 60_000;
/** The part of a finger's round trip that another's must be below to take its place: links are not to come and go. */
const BETTER = 0.8;

/**
 * Proximity neighbour selection: any node of a finger's interval leads on as well as the first does, so the one with
 * the shortest round trip is taken (Gummadi et al., "The Impact of DHT Routing Geometry", 2003; Dabek et al.,
 * "Designing a DHT for low latency and high throughput", 2004). Candidates are those around the finger there is.
 */
export class Fingers {
	readonly #state: RingState;
	readonly #network: RingNetwork;
	readonly #lookups: Lookups;
	readonly #underWay = new UnderWay();
	/** Fingers that are still to be looked after in this sweep of the table. */
	#due: number[] = [];
	/** When the next sweep may begin, and whether this one has come upon somebody new. */
	#nextSweep = 0;
	#isNews = false;
	#running = false;

	constructor(state: RingState, network: RingNetwork, lookups: Lookups) {
		this.#state = state;
		this.#network = network;
		this.#lookups = lookups;
	}

	/**
	 * Looks after fingers that seem to be dead, and the next one in turn: is another nearer? Or, where the ring changes,
	 * all that are missing instead. One after the other; nothing while that is under way.
	 */
	refresh(changing: boolean): void {
		if (this.#running) return;
		const { distantFingers, fingers } = this.#state;
		for (const number of fingers.keys()) {
			if (!distantFingers.includes(number)) this.#state.setFinger(number, []);
		}
		const wanted = new Set(distantFingers.filter((number) => this.#seemsDead(number)));
		const next = changing ? undefined : this.#nextInTurn();
		if (next !== undefined) wanted.add(next);
		if (changing) for (const number of distantFingers) if (!fingers.has(number)) wanted.add(number);
		this.#running = true;
		this.#lookAfter([...wanted], !changing);
	}

	stop(): void {
		this.#underWay.cancelAll();
		this.#running = false;
		this.#due = [];
		this.#nextSweep = 0;
	}

	/** The next finger of the sweep; none between sweeps. */
	#nextInTurn(): number | undefined {
		const now = this.#network.clock.now();
		if (this.#due.length === 0 && (this.#isNews || now >= this.#nextSweep)) {
			this.#due = [...this.#state.distantFingers];
			this.#isNews = false;
			this.#nextSweep = now + SWEEP;
		}
		return this.#due.shift();
	}

	#seemsDead(number: number): boolean {
		const [finger] = this.#state.fingers.get(number) ?? [];
		if (finger === undefined) return false;
		const met = this.#network.met(finger.id);
		return !finger.same(met?.contact) || met?.standing === "outside";
	}

	#lookAfter([number, ...others]: readonly number[], probing: boolean): void {
		if (number === undefined) {
			this.#running = false;
			return;
		}
		const next = (): void => {
			this.#lookAfter(others, probing);
		};
		const [finger] = this.#state.fingers.get(number) ?? [];
		if (finger === undefined) {
			this.#find(number, (first) => {
				if (first === undefined) next();
				else this.#chooseAround(number, first, probing, next);
			});
		} else {
			this.#chooseAround(number, finger, probing, next);
		}
	}

	/** The first node in a finger's interval, if there is one. */
	#find(number: number, done: (first: Contact | undefined) => void): void {
		const start = fingerStart(this.#state.self.id, number);
		this.#underWay.track<Found>(
			(answer) => this.#lookups.recursive(start, PATIENCE, answer),
			(_error, found) => {
				done(found && this.#state.ofFinger(number, [found.owner])[0]);
			},
		);
	}

	/** Takes the nearest of the nodes around `known` for the finger, as far as their round trips are known. */
	#chooseAround(number: number, known: Contact, probing: boolean, done: () => void): void {
		this.#underWay.track<View>(
			(answer) => this.#network.call(known, askView, undefined, PATIENCE, answer),
			(error, view) => {
				if (view?.standing !== "member") {
					if (error?.code !== "BUSY") this.#drop(number, known);
					done();
					return;
				}
				const candidates = this.#candidates(number, known, view);
				this.#probe(known, probing ? candidates : [], () => {
					const finger = this.#state.fingers.get(number)?.[0] ?? known;
					const roundTrip = ({ id }: Contact): number | undefined =>
						this.#network.roundTrip(id)?.smoothed;
					this.#set(number, nearestFirst(finger, candidates, roundTrip));
					done();
				});
			},
		);
	}

	/** `known`, which is alive, and those around it: whom it names is alive as well, as far as the ring knows. */
	#candidates(number: number, known: Contact, { predecessor, successors }: View): Contact[] {
		const before = predecessor === undefined ? [] : [predecessor];
		const around = [known, ...before, ...successors];
		return this.#state.ofFinger(number, around).slice(0, CANDIDATES);
	}

	/** Asks some of those whose round trips are not known, unless the finger there is is near enough. */
	#probe(finger: Contact, candidates: readonly Contact[], done: () => void): void {
		const { smoothed = 0 } = this.#network.roundTrip(finger.id) ?? {};
		const unknown = candidates.filter(({ id }) => this.#network.roundTrip(id) === undefined);
		const probed = smoothed <= NEAR ? [] : unknown.slice(0, PROBES);
		let left = probed.length;
		if (left === 0) done();
		else this.#isNews = true;
		for (const contact of probed) {
			this.#underWay.track<void>(
				(answer) => this.#network.call(contact, askAlive, undefined, PATIENCE, answer),
				() => {
					if (--left === 0) done();
				},
			);
		}
	}

	#set(number: number, nodes: readonly Contact[]): void {
		const [before] = this.#state.fingers.get(number) ?? [];
		this.#state.setFinger(number, nodes.slice(0, 1 + BACKUPS));
		if (nodes[0] !== undefined && before?.same(nodes[0]) === true) return;
		this.#network.keep(this.#state.neighbours);
	}

	/** A node does not answer, or is in no ring: a backup takes its place. */
	#drop(number: number, gone: Contact): void {
		const nodes = this.#state.fingers.get(number) ?? [];
		const left = nodes.filter((contact) => !contact.same(gone));
		if (left.length === 0) this.#state.setFinger(number, []);
		else this.#set(number, left);
	}
}

/** `candidates` by their round trips; `finger`, which is one of them, stays the first unless another is clearly better. */
export function nearestFirst(
	finger: Contact,
	candidates: readonly Contact[],
	roundTrip: (contact: Contact) => number | undefined,
): readonly Contact[] {
	const others = candidates.filter((contact) => !contact.same(finger));
	const timed = [finger, ...others].map((contact, place) => {
		const time = (roundTrip(contact) ?? Infinity) * (place === 0 ? BETTER : 1);
		return { contact, time };
	});
	timed.sort((a, b) => Math.sign(a.time - b.time) || 0);
	return timed.map(({ contact }) => contact);
}
