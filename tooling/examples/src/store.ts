// A key-value store over several nodes: the owner of a key keeps its value.
import {
	bytes,
	defineRequest,
	Hash,
	list,
	LocalNode,
	optional,
	struct,
	text,
} from "@cicada/chordlib";

// #region store
const entry = struct({ key: text(100), value: bytes(1_000) });
const put = defineRequest("example.org/store/1/put", { request: entry, response: text(10) });
const get = defineRequest("example.org/store/1/get", {
	request: text(100),
	response: optional(bytes(1_000)),
});
/** Asks for all entries up to a place on the ring, which the asker owns from now on. */
const take = defineRequest("example.org/store/1/take", {
	request: struct({}),
	response: list(entry, 50),
});

class Store {
	readonly #node: LocalNode;
	readonly #entries = new Map<string, Uint8Array>();

	constructor(name: string) {
		this.#node = new LocalNode(name, { host: "127.0.0.1", port: 0 });
		this.#node.handle(put, ({ key, value }) => {
			// What a codec reads is a view of the packet: copy what you keep.
			this.#entries.set(key, value.slice());
			return "kept";
		});
		this.#node.handle(get, (key) => this.#entries.get(key));
		this.#node.handle(take, (_nothing, { peer }) => this.#give(peer.hash));
	}

	async start(through?: Store): Promise<this> {
		await this.#node.listen();
		if (through === undefined) return this;
		await this.#node.joinRing(through.#node.address);
		// Keys that were the next node's are now this one's.
		const { successor } = this.#node;
		const taken = successor ? await this.#node.request(successor, take, {}) : [];
		for (const { key, value } of taken) this.#entries.set(key, value.slice());
		return this;
	}

	async put(key: string, value: string): Promise<void> {
		const { node } = await this.#node.lookup(new Hash({ value: key }));
		const bytes = new TextEncoder().encode(value);
		if (node === this.#node) this.#entries.set(key, bytes);
		else await this.#node.request(node, put, { key, value: bytes });
	}

	async get(key: string): Promise<string | undefined> {
		const { node } = await this.#node.lookup(new Hash({ value: key }));
		const found =
			node === this.#node ? this.#entries.get(key) : await this.#node.request(node, get, key);
		return found && new TextDecoder().decode(found);
	}

	get size(): number {
		return this.#entries.size;
	}

	async close(): Promise<void> {
		await this.#node.close();
	}

	/** Lets go of the entries that lie clockwise up to `to`: nearer to it than to this node. */
	#give(to: Hash): { key: string; value: Uint8Array }[] {
		const given = [...this.#entries]
			.map(([key, value]) => ({ key, value, hash: new Hash({ value: key }) }))
			.filter(({ hash }) => hash.distanceTo(to) < hash.distanceTo(this.#node.hash))
			.slice(0, 50);
		for (const { key } of given) this.#entries.delete(key);
		return given;
	}
}
// #endregion

const stores = [await new Store("ash").start()];
const [first] = stores as [Store];
for (const name of ["oak", "elm", "beech"]) stores.push(await new Store(name).start(first));

const words = ["ant", "bee", "cicada", "dragonfly", "earwig", "firefly", "gnat", "hornet"];
await Promise.all(words.map((word) => first.put(word, `${word.length} letters`)));
console.log(`entries on each node: ${stores.map(({ size }) => size).join(", ")}`);

// Another node joins, takes over some of the keys, and finds all of them.
const last = await new Store("yew").start(first);
stores.push(last);
console.log(`entries on each node: ${stores.map(({ size }) => size).join(", ")}`);
for (const word of words) console.log(`${word}: ${await last.get(word)}`);

await Promise.all(stores.map((store) => store.close()));
