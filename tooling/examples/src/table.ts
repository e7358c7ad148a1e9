import { bytes, defineRequest, Hash, LocalNode, optional, text } from "@cicada/chordlib";

// A message of our own: a word goes there, its meaning comes back, at most 1,000 bytes of it.
const get = defineRequest("example.org/words/1/get", {
	request: text(100),
	response: optional(bytes(1000)),
});

// Every node answers for the words whose hashes it owns.
const start = async (name: string): Promise<LocalNode> => {
	const node = new LocalNode(name, { host: "127.0.0.1", port: 0 });
	node.handle(get, (word) => new TextEncoder().encode(`${word}, says the ${name} node`));
	return node.listen();
};

const first = await start("first");
const second = await start("second");
await second.joinRing(first.address);

const { node: owner } = await first.lookup(new Hash({ value: "cicada" }));
const asker = owner.hash.equals(first.hash) ? second : first;
const meaning = await asker.request(owner, get, "cicada");
console.log(new TextDecoder().decode(meaning)); // cicada, says the first node

await Promise.all([first.close(), second.close()]);
