// Values to bytes and back. What is read is checked: bytes from the network may be anything.
import {
	address,
	ChordError,
	choice,
	decode,
	encode,
	fixed,
	Hash,
	hash,
	list,
	rest,
	struct,
	u32,
	u8,
} from "@cicada/chordlib";

const offer = struct({
	version: u8,
	kind: choice(["file", "folder"]),
	size: u32,
	key: hash,
	digest: fixed(4),
	mirrors: list(address, 3),
	// All the bytes that are left: last in its struct.
	note: rest,
});

const bytes = encode(
	offer,
	{
		version: 1,
		kind: "file",
		size: 70_000,
		key: new Hash({ value: "cicada.ogg" }),
		digest: new Uint8Array([1, 2, 3, 4]),
		mirrors: [{ host: "192.0.2.7", port: 7000 }],
		note: new TextEncoder().encode("take it"),
	},
	// The most that it may become.
	200,
);
const { kind, size, mirrors } = decode(offer, bytes);
console.log(`${kind} of ${size} bytes at ${mirrors[0]?.host}`); // file of 70000 bytes at 192.0.2.7

try {
	decode(offer, bytes.subarray(0, 20));
} catch (error) {
	if (error instanceof ChordError) console.log(error.code); // MALFORMED
}
