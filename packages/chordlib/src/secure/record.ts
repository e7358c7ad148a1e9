import { formatAddress } from "../address.ts";
import { type Contact, caller } from "../contact.ts";
import { ChordError } from "../errors.ts";
import { idFromBytes } from "../id.ts";
import { sha256 } from "../node/crypto.ts";
import type { Crypto } from "../ports.ts";
import { decode, encode, fixed, struct, u32, u48, u8 } from "../wire/codec.ts";
import { type Identity, KEY_LENGTH, SIGNATURE_LENGTH, verifySignature } from "./identity.ts";

/**
 * What an id is the SHA-256 of, and so how it is proven: of the address, by dialling it and meeting the key; of the
 * public key, by a signature; of other data, not at all.
 */
export type IdMode = "address" | "key" | "data";

/** What a node says of itself, signed. */
export interface NodeRecord {
	/** Its id, where it can be dialled, if anywhere, and which life of it this is. */
	readonly contact: Contact;
	/** What its id is the hash of. */
	readonly mode: IdMode;
	/** Ed25519: signs this record. */
	readonly publicKey: Uint8Array;
	/** X25519: opens its links and its sessions. */
	readonly exchangeKey: Uint8Array;
	/** Of two records of a key, the one of the later epoch, then of the higher sequence, is the newer. */
	readonly epoch: number;
	/** Counts its records within an epoch. */
	readonly sequence: number;
	/** Until when it holds, in seconds since 1970. */
	readonly expires: number;
	/** All of it as it goes over the wire, its signature included. */
	readonly bytes: Uint8Array;
}

/** How long a record holds, in seconds: two weeks, so that clocks which are days apart agree on it. */
export const RECORD_LIFE: number = 14 * 86_400;

/** The longest record: with an IPv6 address. */
export const RECORD_LIMIT = 200;

const VERSION = 1;
const PURPOSE = "record";

const key = fixed(KEY_LENGTH);
const fields = struct({
	version: u8,
	contact: caller,
	publicKey: key,
	exchangeKey: key,
	epoch: u32,
	sequence: u32,
	expires: u48,
});
const signed = struct({ fields, signature: fixed(SIGNATURE_LENGTH) });

/** The record of a node that is `identity` and `contact`, number `sequence` of this program, made at `now` (s since 1970). */
export function signRecord(
	identity: Identity,
	self: Contact,
	{ sequence, now }: { sequence: number; now: number },
): NodeRecord {
	const { publicKey, epoch } = identity;
	const record = {
		contact: self,
		mode: modeOf(self, publicKey),
		publicKey,
		exchangeKey: identity.exchange.publicKey,
		epoch,
		sequence,
		expires: now + RECORD_LIFE,
	};
	const said = { version: VERSION, ...record };
	const signature = identity.sign(PURPOSE, encode(fields, said, RECORD_LIMIT));
	// A copy: it is kept for long, and what it is a view of is not.
	const bytes = encode(signed, { fields: said, signature }, RECORD_LIMIT).slice();
	return { ...record, bytes };
}

/**
 * Reads a record and checks its signature. What it then says is what the owner of the key said; that he has the id is
 * proven only as {@link IdMode} tells, and that it still holds only by {@link isCurrent}.
 * @throws ChordError `MALFORMED` for what is no record, `FORGED` for one that its key did not sign
 */
export function openRecord(crypto: Crypto, given: Uint8Array): NodeRecord {
	// A copy: what is read are views, and the record is kept longer than the packet.
	const bytes = new Uint8Array(given);
	const { fields: said, signature } = decode(signed, bytes);
	if (said.version !== VERSION) {
		throw new ChordError("MALFORMED", `a record of version ${said.version}, not ${VERSION}`);
	}
	const { contact, publicKey, exchangeKey, epoch, sequence, expires } = said;
	const message = bytes.subarray(0, bytes.length - SIGNATURE_LENGTH);
	if (!verifySignature(crypto, { publicKey, purpose: PURPOSE, message, signature })) {
		throw new ChordError("FORGED", "the signature of a record is not that of its key");
	}
	const mode = modeOf(contact, publicKey);
	return { contact, mode, publicKey, exchangeKey, epoch, sequence, expires, bytes };
}

/** How many records {@link OpenedRecords} keeps. */
const KEPT = 64;

/**
 * Opens records, and knows those that it opened lately: the very same bytes say the very same, and need not be verified
 * once more. Who is dialled back to see who is there shows the record that he has just shown.
 */
export class OpenedRecords {
	readonly #crypto: Crypto;
	/** By their bytes; the one that was not shown for the longest time first. */
	readonly #lately = new Map<string, NodeRecord>();

	constructor(crypto: Crypto) {
		this.#crypto = crypto;
	}

	/** As {@link openRecord}. */
	open(bytes: Uint8Array): NodeRecord {
		const key = String.fromCharCode(...bytes);
		const record = this.#lately.get(key) ?? openRecord(this.#crypto, bytes);
		this.#lately.delete(key);
		this.#lately.set(key, record);
		const [oldest] = this.#lately.keys();
		if (this.#lately.size > KEPT && oldest !== undefined) this.#lately.delete(oldest);
		return record;
	}
}

/**
 * True while a record holds, at `now` in seconds since 1970. For one that came from somebody else: who opens a link
 * proves that he has the key, so his record is as new as the link, whatever the clocks say.
 */
export function isCurrent({ expires }: NodeRecord, now: number): boolean {
	// One that would hold for longer than any that was made by the rules is from a clock far ahead, or a trick.
	return now < expires && expires <= now + 2 * RECORD_LIFE;
}

function modeOf({ id, address, dialable }: Contact, publicKey: Uint8Array): IdMode {
	if (dialable && id === idFromBytes(sha256(formatAddress(address)))) return "address";
	return id === idFromBytes(sha256(publicKey)) ? "key" : "data";
}
