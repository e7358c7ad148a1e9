import { type Address, NOWHERE, canonicalAddress, sameAddress } from "./address.ts";
import { ChordError } from "./errors.ts";
import { Hash, hashOf, idOf } from "./hash.ts";
import type { Id } from "./id.ts";
import { type Codec, addressOrNowhere, encode, id, struct, u48 } from "./wire/codec.ts";

/** Another node, as far as this one knows it. */
export interface RemoteNode {
	/** Its id. */
	readonly hash: Hash;
	/** Where it can be dialled; `NOWHERE` for a leaf. */
	readonly address: Address;
}

/** Stands for any incarnation, where only an id and an address are known. */
export const ANY_INCARNATION = 0;

/**
 * Who a pointer points to: an id, where it can be dialled, and which life of it is meant. A node that
 * restarts at the same address is a new incarnation, and what pointed to the old one does not point to it.
 */
export class Contact implements RemoteNode {
	readonly id: Id;
	readonly address: Address;
	readonly incarnation: number;
	#wire: Uint8Array | undefined;
	#hash: Hash | undefined;

	constructor(id: Id, address: Address, incarnation: number) {
		this.id = id;
		this.address = address;
		this.incarnation = incarnation;
	}

	get hash(): Hash {
		this.#hash ??= hashOf(this.id);
		return this.#hash;
	}

	/** Whether it has an address. Only such a node may have a place in the ring. */
	get dialable(): boolean {
		return this.address.port !== 0;
	}

	/** Its bytes in a message; kept, since a node names the same few others over and over. */
	get wire(): Uint8Array {
		// A copy: what it would be a view of is a hundred times as long.
		this.#wire ??= encode(fields, this, WIRE_LIMIT).slice();
		return this.#wire;
	}

	/** Another contact that says the same. */
	copy(): Contact {
		const copy = new Contact(this.id, this.address, this.incarnation);
		copy.#wire = this.#wire;
		copy.#hash = this.#hash;
		return copy;
	}

	/** The same node in the same life. */
	same(other: Contact | undefined): boolean {
		return other !== undefined && this.id === other.id && this.incarnation === other.incarnation;
	}

	/** True when `other` is whom this contact means. */
	means(other: Contact): boolean {
		return (
			this === other ||
			(this.id === other.id &&
				(this.incarnation === ANY_INCARNATION || this.incarnation === other.incarnation) &&
				sameAddress(this.address, other.address))
		);
	}
}

/** @throws ChordError `INVALID_ARGUMENT` for anything but a {@link RemoteNode}. */
export function contactOf(node: RemoteNode): Contact {
	if (node instanceof Contact) return node;
	if (!(node?.hash instanceof Hash) || typeof node.address?.host !== "string") {
		throw new ChordError("INVALID_ARGUMENT", "expected a node: { hash: Hash, address: Address }");
	}
	const address = node.address.port === 0 ? NOWHERE : canonicalAddress(node.address);
	return new Contact(idOf(node.hash), address, ANY_INCARNATION);
}

const fields = struct({ id, address: addressOrNowhere, incarnation: u48 });
const WIRE_LIMIT = 64;

/**
 * Contacts that were read lately, by the first bytes of their ids: a node hears of the same few others over and over.
 * What is given out is a copy, so that nothing tells whether a contact was here.
 */
const lately: (Contact | undefined)[] = Array.from({ length: 1_024 });

/** Who speaks, on the wire: 32 bytes of id, the address or a 0, 48 bits of incarnation, never 0. */
export const caller: Codec<Contact> = {
	write: (writer, value) => {
		if (value.incarnation === ANY_INCARNATION) {
			throw new ChordError("INVALID_ARGUMENT", "a contact without an incarnation cannot be told");
		}
		writer.raw(value.wire);
	},
	read: (reader) => {
		const place = reader.peek(2) % lately.length;
		const known = lately[place];
		if (known !== undefined && reader.skip(known.wire)) return known.copy();
		const fresh = fields.read(reader);
		if (fresh.incarnation === ANY_INCARNATION) {
			throw new ChordError("MALFORMED", "a contact without an incarnation");
		}
		const read = new Contact(fresh.id, fresh.address, fresh.incarnation);
		lately[place] = read;
		return read.copy();
	},
};

/** A pointer to a node: a {@link caller} that can be dialled. */
export const contact: Codec<Contact> = {
	write: (writer, value) => {
		caller.write(writer, value);
	},
	read: (reader) => {
		const read = caller.read(reader);
		if (read.dialable) return read;
		throw new ChordError("MALFORMED", "a pointer to a node without an address");
	},
};
