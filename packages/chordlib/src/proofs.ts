import {
	type Address,
	type Scope,
	formatAddress,
	plainIp,
	sameAddress,
	scopeOf,
} from "./address.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { ChordError } from "./errors.ts";
import type { Id } from "./id.ts";
import type { Transport } from "./ports.ts";
import type { Answer } from "./protocol.ts";
import type { NodeRecord } from "./secure/record.ts";

/** How long who dials back waits for an answer: less than the other end waits for what it asked. */
const PATIENCE = 2_000;
/** How long what did not answer is taken not to. */
const AGAIN = 5_000;
/** Below it are the services of a machine, to which strangers shall not make us talk. */
const LOWEST_PORT = 1_025;

/** The further an address reaches, the higher. */
const REACH: Record<Scope, number> = { none: 0, loopback: 1, private: 2, public: 3 };

interface Proof {
	/** Undefined while it is being dialled; why it failed, if it did: an error would keep its stack, and what that holds. */
	outcome: { readonly why: string | undefined; readonly at: number } | undefined;
	/** Empty once it is settled: what waits holds its link. */
	readonly waiting: Answer<void>[];
}

/**
 * Who dials us claims an address. Whether he is there is proven by dialling it and meeting the same node; one that we
 * dialled has proven it already. Nobody can so have others take his word for an address that is not his, or is nobody's.
 */
export class Proofs {
	readonly #owner: ConnectionOwner;
	readonly #transport: Transport;
	/** By link's claim; the longest unused first. */
	readonly #proofs = new Map<string, Proof>();
	/** The public keys that were met where they were dialled, by id; the longest unused first. */
	readonly #met = new Map<Id, Uint8Array>();
	#dialling = 0;

	constructor(owner: ConnectionOwner, transport: Transport) {
		this.#owner = owner;
		this.#transport = transport;
	}

	/** Links whose other ends have been dialled: for as long as they are, whatever else is to be remembered. */
	readonly #dialled = new WeakSet<Connection>();

	/** Whether the node at the other end is known to be where it says that it is. */
	isProven(link: Connection): boolean {
		if (link.contact === undefined) return false;
		// A leaf: without encryption nothing can be asked of it.
		if (!link.contact.dialable) return link.record === undefined || link.record.mode === "key";
		if (link.dialled && sameAddress(link.remote, link.contact.address)) return true;
		if (this.#dialled.has(link)) return true;
		const outcome = this.#proofs.get(claimOf(link))?.outcome;
		const proven = outcome !== undefined && outcome.why === undefined;
		if (proven) this.#dialled.add(link);
		return proven;
	}

	/** Remembers the key at the other end of a link that was dialled, where that is at the address that it says. */
	meet({ contact, record, remote }: Connection): void {
		if (contact === undefined || record === undefined) return;
		if (!sameAddress(remote, contact.address)) return;
		this.#met.delete(contact.id);
		this.#met.set(contact.id, record.publicKey);
		const [oldest] = this.#met.keys();
		if (this.#met.size > this.#owner.limits.proofs && oldest !== undefined)
			this.#met.delete(oldest);
	}

	/** Whether that key was met when the address of that node was last dialled. */
	hasMet({ contact, publicKey }: NodeRecord): boolean {
		const met = this.#met.get(contact.id);
		return met !== undefined && publicKey.every((byte, index) => byte === met[index]);
	}

	/**
	 * Finds out whether the node at the other end is where it says that it is. Calls `done` at once where that is known.
	 * `NOT_DIALABLE` when it is not; `BUSY` when too many others are being dialled.
	 */
	prove(link: Connection, done: Answer<void>): void {
		if (this.isProven(link)) {
			done(undefined);
			return;
		}
		if (link.contact?.dialable === false) {
			done(
				notDialable(link, "who has no address is known by his key, and this id is not that of his"),
			);
			return;
		}
		const { clock, limits } = this.#owner;
		const claim = claimOf(link);
		const known = this.#proofs.get(claim);
		if (known !== undefined && known.outcome === undefined) {
			known.waiting.push(done);
			return;
		}
		const { why, at = 0 } = known?.outcome ?? {};
		if (why !== undefined && clock.now() - at < AGAIN) {
			done(notDialable(link, why));
			return;
		}
		const address = addressToDial(link);
		if (address === undefined) {
			done(notDialable(link, "it is not an address to be dialled for who is there"));
		} else if (this.#dialling >= limits.pendingLinks) {
			done(new ChordError("BUSY", "too many addresses are being dialled to see who is there"));
		} else {
			this.#dial(link, address, claim, done);
		}
	}

	#dial(link: Connection, address: Address, claim: string, done: Answer<void>): void {
		const proof: Proof = { outcome: undefined, waiting: [done] };
		this.#remember(claim, proof);
		this.#dialling++;
		const settle = (why: string | undefined): void => {
			if (proof.outcome !== undefined) return;
			timer.cancel();
			this.#dialling--;
			proof.outcome = { why, at: this.#owner.clock.now() };
			const error = why === undefined ? undefined : notDialable(link, why);
			for (const tell of proof.waiting.splice(0)) tell(error);
		};
		const probe = new Connection(
			{
				...this.#owner,
				// The probe itself is the proof.
				prove: (_met, done) => {
					done(undefined);
				},
				ready: (met) => {
					this.meet(met);
					settle(isSame(met, link) ? undefined : "another node answers there");
					met.fail(new ChordError("CLOSED", "it was only to be seen who is there"));
				},
				closed: (_met, why) => {
					settle(why().message);
				},
			},
			true,
			"whois",
		);
		const timer = this.#owner.clock.schedule(PATIENCE, () => {
			probe.fail(new ChordError("UNREACHABLE", `no answer within ${PATIENCE} ms`));
		});
		probe.link = this.#transport.dial(address, probe);
	}

	#remember(claim: string, proof: Proof): void {
		this.#proofs.delete(claim);
		this.#proofs.set(claim, proof);
		const { counter, limits } = this.#owner;
		if (this.#proofs.size <= limits.proofs) return;
		counter.count("proofs");
		const [oldest = ""] = this.#proofs.keys();
		this.#proofs.delete(oldest);
	}
}

/** What the other end of a link says of itself. */
function claimOf({ contact, record, remote }: Connection): string {
	if (contact === undefined) return "";
	const { address, id, incarnation } = contact;
	const key = record?.publicKey.toString() ?? "";
	return `${id} ${incarnation} ${formatAddress(address)} ${remote.host} ${key}`;
}

/**
 * The address to dial, if it is one: the one that the link came from, or one that reaches at least as far where who
 * claims it is in our own network. So nobody can have us dial a third party, or machines that only we can reach.
 */
function addressToDial({ contact, remote }: Connection): Address | undefined {
	if (contact === undefined || contact.address.port < LOWEST_PORT) return undefined;
	const { address } = contact;
	const [claimed, seen] = [scopeOf(address.host), scopeOf(remote.host)];
	const own = plainIp(address.host) === plainIp(remote.host);
	const near = seen !== "public" && REACH[claimed] >= REACH[seen];
	return claimed !== "none" && (own || near) ? address : undefined;
}

/** The same node, in the same life; where links are encrypted, with the same key. */
function isSame(met: Connection, link: Connection): boolean {
	const sameKey = met.record?.publicKey.toString() === link.record?.publicKey.toString();
	return sameKey && (met.contact?.same(link.contact) ?? false);
}

function notDialable({ contact }: Connection, why: string): ChordError {
	const where = contact === undefined ? "nowhere" : formatAddress(contact.address);
	return new ChordError("NOT_DIALABLE", `${where} could not be dialled: ${why}`);
}
