// A table of one's own in a few lines: the node that owns a word keeps what is said of it.
import assert from "node:assert/strict";

import {
	bytes,
	ChordError,
	defineRequest,
	Hash,
	LocalNode,
	optional,
	text,
} from "@cicada/chordlib";

const get = defineRequest("example.org/words/1/get", {
	request: text(100),
	response: optional(bytes(1000)),
});
const start = async () => {
	const node = new LocalNode(({ host, port }) => `${host}:${port}`, { host: "127.0.0.1", port: 0 });
	node.handle(get, (word) => new TextEncoder().encode(`${word} at ${node.address.port}`));
	return await node.listen();
};

const first = await start();
const second = await start();
await second.joinRing(first.address, { timeout: 10_000 });
for (const word of ["cicada", "cricket", "locust", "moth", "wasp"]) {
	const there = await first.lookup(new Hash({ value: word }));
	const same = await second.lookup(new Hash({ value: word }));
	assert.equal(there.node.hash.toString(), same.node.hash.toString());
	const asker = there.node.hash.equals(first.hash) ? second : first;
	const answer = await asker.request(there.node, get, word);
	assert.equal(new TextDecoder().decode(answer), `${word} at ${there.node.address.port}`);
}
assert.throws(() => new Hash({ hashed: "no" }), ChordError);
await Promise.all([first.close(), second.close()]);
