// Keys that stay the same from one start to the next, signatures, and what a node says of itself.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
	isCurrent,
	loadIdentity,
	openRecord,
	RECORD_LIMIT,
	systemCrypto,
	verifySignature,
	verifySignatureLater,
	ChordError,
} from "@cicada/chordlib";

const folder = await mkdtemp(join(tmpdir(), "identity-"));
const path = join(folder, "node.key");
const first = await loadIdentity(path);
const again = await loadIdentity(path);
console.log(again.hash.equals(first.hash)); // true
console.log(`started ${again.epoch} times`); // started 2 times

// A signature is for one purpose: nobody can pass it off as one for another.
const { publicKey } = again;
const message = new TextEncoder().encode("the bakery is open");
const signature = again.sign("example.org/news", message);
const signed = { publicKey, purpose: "example.org/news", message, signature };
console.log(verifySignature(systemCrypto, signed)); // true
console.log(verifySignature(systemCrypto, { ...signed, purpose: "example.org/will" })); // false
// It takes a tenth of a millisecond; who checks many has it done on another thread.
console.log(await verifySignatureLater(systemCrypto, signed)); // true

/** Where a node says that it can be dialled, if that is true and not out of date. */
const dialable = (bytes: Uint8Array): string => {
	try {
		const record = openRecord(systemCrypto, bytes);
		const { host, port } = record.contact.address;
		return isCurrent(record, Date.now() / 1_000) ? `${host}:${port}` : "out of date";
	} catch (error) {
		if (error instanceof ChordError) return error.code;
		throw error;
	}
};
console.log(dialable(new Uint8Array(RECORD_LIMIT))); // MALFORMED

await rm(folder, { recursive: true });
