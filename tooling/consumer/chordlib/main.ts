// A table of one's own in a few lines: the node that owns a word keeps what is said of it.
import {
	bytes,
	ChordError,
	defineRequest,
	Hash,
	LocalNode,
	type LookupResult,
	optional,
	struct,
	text,
} from "@cicada/chordlib";

const put = defineRequest("example.org/words/1/put", {
	request: struct({ word: text(100), meaning: bytes(1000) }),
	response: text(10),
});
const get = defineRequest("example.org/words/1/get", {
	request: text(100),
	response: optional(bytes(1000)),
});

export const start = async (): Promise<LocalNode> => {
	const words = new Map<string, Uint8Array>();
	const node = new LocalNode(({ host, port }) => `${host}:${port}`, { host: "127.0.0.1", port: 0 });
	node.handle(get, (word) => words.get(word));
	node.handle(put, ({ word, meaning }) => {
		words.set(word, meaning);
		return "kept";
	});
	return await node.listen();
};

export const ask = async (node: LocalNode, word: string): Promise<Uint8Array | undefined> => {
	const owner: LookupResult = await node.lookup(new Hash({ value: word }), { timeout: 5000 });
	return await node.request(owner.node, get, word);
};

export const codeOf = (error: unknown): string | undefined =>
	error instanceof ChordError ? error.code : undefined;
