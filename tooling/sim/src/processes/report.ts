import { type Address, Hash, LocalNode, systemClock, systemRandom, tcp } from "@cicada/chordlib";

import { observed } from "../observed-ports.ts";
import { type Pointer, type View, keyOf, look, pointerOf } from "../oracles/view.ts";

/** What a node on sockets tells of itself, when it happens. Plain JSON; times are {@link now}. */
export type Report =
	/** Its neighbours, standing or fingers are others. */
	| {
			readonly kind: "state";
			readonly at: number;
			readonly view: View;
			readonly fingers: readonly Pointer[];
	  }
	/** From now on it takes the keys after `after` for its own, all where there is none; nothing when it is no member. */
	| {
			readonly kind: "claim";
			readonly at: number;
			readonly id: string;
			readonly member: boolean;
			readonly after: string | undefined;
	  }
	/** A link to this life of a node was opened, over which that said who it is. */
	| { readonly kind: "met"; readonly at: number; readonly peer: Pointer }
	/** It asked for the owner of a key and got an answer; `owner` is undefined when it got an error. */
	| {
			readonly kind: "lookup";
			readonly at: number;
			readonly asked: number;
			readonly key: string;
			readonly owner: string | undefined;
	  };

/** Milliseconds on the machine's monotonic clock, which all its processes share. */
export function now(): number {
	return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** A node on TCP that reports all that the oracles need to know of it. */
export class ReportingNode {
	readonly node: LocalNode;
	readonly #name: string;
	readonly #report: (report: Report) => void;
	#view: View | undefined;
	#fingers = "";

	constructor(name: string, bind: Address, report: (report: Report) => void) {
		this.#name = name;
		this.#report = report;
		const system = { clock: systemClock, random: systemRandom, transport: tcp };
		this.node = new LocalNode(({ host, port }) => `${host}:${port}`, bind, {
			network: "sim",
			encryption: "off",
			ports: observed(system, this.look),
		});
		this.node.on("link", ({ peer }) => {
			report({ kind: "met", at: now(), peer: plain(pointerOf(peer)) });
		});
		this.node.on("arc", this.#claim);
		this.node.on("standing", this.#claim);
	}

	async listen(): Promise<void> {
		await this.node.listen();
		this.look();
	}

	async join(through: readonly Address[]): Promise<void> {
		const joined = this.node.joinRing(through);
		this.look();
		await joined;
	}

	async lookup(key: string): Promise<void> {
		const asked = now();
		let owner: string | undefined;
		try {
			owner = (await this.node.lookup(new Hash({ hashed: key }))).node.hash.toString();
		} catch {
			// In a ring in trouble some lookups fail.
		}
		this.#report({ kind: "lookup", at: now(), asked, key, owner });
	}

	/** Reports the node's state if it is another one than before. */
	readonly look = (): void => {
		if (!this.#listens()) return;
		const { hash, fingers } = this.node;
		const view = look(this.#name, hash.toString(), this.node, this.#view);
		const pointers = fingers.map((finger) => pointerOf(finger));
		const names = pointers.map((finger) => keyOf(finger)).join();
		if (view === this.#view && names === this.#fingers) return;
		this.#view = view;
		this.#fingers = names;
		const { predecessor, successors } = view;
		const told: View = {
			...view,
			predecessor: predecessor && plain(predecessor),
			successors: successors.map(plain),
		};
		this.#report({ kind: "state", at: now(), view: told, fingers: pointers.map(plain) });
	};

	/** A link can be accepted before `listen` has come back, and nothing of the node can be read until then. */
	#listens(): boolean {
		try {
			return this.node.hash !== undefined;
		} catch {
			return false;
		}
	}

	readonly #claim = (): void => {
		const { hash, predecessor, standing } = this.node;
		const member = standing === "member";
		const after = predecessor && pointerOf(predecessor).id;
		this.#report({ kind: "claim", at: now(), id: hash.toString(), member, after });
	};
}

function plain({ id, incarnation }: Pointer): Pointer {
	return { id, incarnation };
}
