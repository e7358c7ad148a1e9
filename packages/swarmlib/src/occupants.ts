import {
	type Answer,
	type Cancel,
	type LocalNode,
	type RemoteNode,
	formatAddress,
	sameAddress,
} from "@cicada/chordlib";

import type { Dialling } from "./dialling.ts";
import { SwarmError } from "./errors.ts";
import type { Outgoing, Route } from "./outgoing.ts";
import type { Destination } from "./target.ts";

type Deliver = (message: Outgoing) => Cancel;
/** Hears that it is known by now who is at an address, or that nobody cares any more. */
type Met = (failure?: SwarmError) => void;

/**
 * Who is at an address. A peer's id is the hash of its address, or of its key: the latter only the peer itself can tell. So
 * where no id answers for an address, that is dialled, and what is for it is for the peer which is met there.
 */
export class Occupants {
	readonly #node: LocalNode;
	readonly #dialling: Dialling;
	/** Addresses of which it is remembered who is there. */
	readonly #most: number;
	/** Peers whose ids are not the hashes of their addresses, by address; the longest unused first. */
	readonly #known = new Map<string, RemoteNode>();
	/** Addresses that are being dialled, and what waits for them, in order: it comes before all that is sent later. */
	readonly #meeting = new Map<string, Met[]>();

	constructor(node: LocalNode, dialling: Dialling, most: number) {
		this.#node = node;
		this.#dialling = dialling;
		this.#most = most;
	}

	/** A destination with the id of who is there, as far as that is known. */
	of(destination: Destination): Destination {
		if (destination.byAddress === undefined) return destination;
		const { address } = destination;
		if (address === undefined) return destination;
		const known = sameAddress(address, this.#node.address)
			? this.#node
			: this.#known.get(formatAddress(address));
		return known === undefined ? destination : { ...destination, hash: known.hash };
	}

	/** Finds out who is at the address that a destination names. Calls `done` at once where an id is named. */
	find(destination: Destination, route: Route, done: Answer<Destination, SwarmError>): void {
		if (destination.byAddress === undefined || this.of(destination) !== destination) {
			done(undefined, this.of(destination));
			return;
		}
		this.#meet(destination, route, (failure) => {
			done(failure, this.of(destination));
		});
	}

	/** Has a message delivered to the id that its destination names, or to the one that is found at its address. */
	send(message: Outgoing, deliver: Deliver): Cancel {
		const { destination, done, route } = message;
		if (destination.byAddress === undefined) return deliver(message);
		const { address } = destination;
		if (address === undefined) return deliver(message);
		let cancel: Cancel = () => {};
		let wanted = true;
		const meet = (tried: Destination | undefined, error: SwarmError): void => {
			this.#meet(destination, route, (failure) => {
				const found = this.of(destination);
				if (!wanted) return;
				const isNew = found !== destination && tried?.hash.equals(found.hash) !== true;
				if (failure !== undefined || !isNew) done(failure ?? error);
				else cancel = deliver({ ...message, destination: found });
			});
		};
		if (this.#meeting.has(formatAddress(address))) {
			meet(undefined, new SwarmError("NOT_FOUND", `${destination.name} is not in the swarm`));
		} else {
			this.#forgetUnlinked(destination);
			const tried = this.of(destination);
			cancel = deliver({
				...message,
				destination: tried,
				done: (error, receipt) => {
					if (error?.code === "NOT_FOUND") meet(tried, error);
					else done(error, receipt);
				},
			});
		}
		return () => {
			wanted = false;
			cancel();
		};
	}

	/** Ends what waits for an address, and forgets what was learned. */
	reset(error: SwarmError): void {
		const waiting = [...this.#meeting.values()].flat();
		this.#meeting.clear();
		this.#known.clear();
		for (const tell of waiting) tell(error);
	}

	#meet({ address, hash }: Destination, route: Route, met: Met): void {
		if (address === undefined) return;
		const key = formatAddress(address);
		const waiting = this.#meeting.get(key);
		const learn = (peer: RemoteNode | undefined): void => {
			this.#remember(key, peer?.hash.equals(hash) === true ? undefined : peer);
		};
		if (waiting !== undefined) {
			waiting.push(met);
		} else if (route === "ring") {
			learn(this.#dialling.occupant(address));
			met();
		} else {
			const all = [met];
			this.#meeting.set(key, all);
			this.#dialling.meet(address, (peer) => {
				if (this.#meeting.get(key) !== all) return;
				this.#meeting.delete(key);
				learn(peer);
				for (const tell of all) tell();
			});
		}
	}

	/** Without a link to a peer nothing says that it is still where it was. */
	#forgetUnlinked({ address }: Destination): void {
		if (address === undefined) return;
		const known = this.#known.get(formatAddress(address));
		const occupant = known && this.#dialling.occupant(address);
		if (known !== undefined && occupant?.hash.equals(known.hash) !== true) {
			this.#known.delete(formatAddress(address));
		}
	}

	#remember(key: string, peer: RemoteNode | undefined): void {
		this.#known.delete(key);
		if (peer !== undefined) this.#known.set(key, peer);
		const [oldest] = this.#known.keys();
		if (this.#known.size > this.#most && oldest !== undefined) this.#known.delete(oldest);
	}
}
