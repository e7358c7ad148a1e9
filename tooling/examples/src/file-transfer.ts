// A file from one peer to another, in pieces that arrive in order, and a checksum at the end.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SwarmPeer } from "@cicada/swarmlib";

// #region send
/** Sends a file. An empty message ends it, and the digest of all that was before comes after that. */
const sendFile = async (peer: SwarmPeer, to: SwarmPeer, path: string): Promise<void> => {
	const digest = createHash("sha256");
	for await (const piece of createReadStream(path, { highWaterMark: 256 * 1_024 })) {
		digest.update(piece as Uint8Array);
		// Resolves when the other end has it: a reader that is slow makes the sender wait.
		await peer.send(to, piece as Uint8Array, { timeout: 60_000 });
	}
	await peer.send(to, "");
	await peer.send(to, digest.digest());
};
// #endregion

// #region receive
/** Writes what comes to a file, and gives its size. The sender's pieces arrive in the order sent, each once. */
const receiveFile = async (peer: SwarmPeer, path: string): Promise<number> => {
	const digest = createHash("sha256");
	const file = createWriteStream(path);
	for (;;) {
		const { data } = await peer.recv({ timeout: 60_000 });
		if (data.length === 0) break;
		digest.update(data);
		if (!file.write(data)) await new Promise<void>((resolve) => file.once("drain", resolve));
	}
	await new Promise<void>((resolve) => file.end(resolve));
	const { data } = await peer.recv({ timeout: 60_000 });
	if (!digest.digest().equals(data)) throw new Error("the file arrived otherwise than sent");
	return file.bytesWritten;
};
// #endregion

const folder = await mkdtemp(join(tmpdir(), "file-transfer-"));
const original = join(folder, "original");
await writeFile(original, new Uint8Array(3_000_000).fill(7));

const alice = await new SwarmPeer().bind("127.0.0.1", 0);
const bob = await new SwarmPeer().bind("127.0.0.1", 0);
await bob.connect(alice.listener);
const copy = join(folder, "copy");
const [received] = await Promise.all([receiveFile(bob, copy), sendFile(alice, bob, original)]);
console.log(`${received} bytes`); // 3000000 bytes
console.log((await stat(copy)).size === received); // true

await Promise.all([alice.close(), bob.close(), rm(folder, { recursive: true })]);
