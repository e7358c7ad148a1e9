import { uniform } from "@cicada/simnet";
import { expect, test } from "vitest";

import {
	Hash,
	LocalNode,
	type RemoteNode,
	bytes,
	defineRequest,
	hash,
	list,
	nothing,
	optional,
	struct,
	text,
} from "../src/index.ts";
import { Ring } from "./ring.ts";

// A table of keys and values that a ring of nodes keeps together, through the public interface alone: what
// a program outside the project would write.

const entry = struct({ key: hash, value: text(1_000) });
const put = defineRequest("example.org/store/1/put", { request: entry, response: nothing });
const get = defineRequest("example.org/store/1/get", {
	request: hash,
	response: optional(text(1_000)),
});
const hand = defineRequest("example.org/store/1/hand", {
	request: list(entry, 50),
	response: bytes(1),
});

class Store {
	readonly node: LocalNode;
	readonly kept = new Map<string, { key: Hash; value: string }>();

	constructor(node: LocalNode) {
		this.node = node;
		node.handle(put, (item) => this.keep(item));
		node.handle(get, (key) => this.kept.get(key.toString())?.value);
		node.handle(hand, (items) => {
			for (const item of items) this.keep(item);
			return Uint8Array.of(1);
		});
		// Keys that another node owns from now on go to it.
		node.on("arc", ({ now }) => {
			const { predecessor } = node;
			if (now === undefined || predecessor === undefined) return;
			const span = now.after.distanceTo(now.to);
			const theirs = [...this.kept.values()].filter(({ key }) => key.distanceTo(now.to) >= span);
			if (theirs.length > 0) void this.handOver(predecessor, theirs);
		});
	}

	keep(item: { key: Hash; value: string }): void {
		this.kept.set(item.key.toString(), item);
	}

	async handOver(to: RemoteNode, items: { key: Hash; value: string }[]): Promise<void> {
		await this.node.request(to, hand, items);
		for (const { key } of items) this.kept.delete(key.toString());
	}

	async put(name: string, value: string): Promise<void> {
		const key = new Hash({ value: name });
		const { node: owner } = await this.node.lookup(key);
		if (owner instanceof LocalNode) this.keep({ key, value });
		else await this.node.request(owner, put, { key, value });
	}

	async get(name: string): Promise<string | undefined> {
		const key = new Hash({ value: name });
		const { node: owner } = await this.node.lookup(key);
		if (owner instanceof LocalNode) return this.kept.get(key.toString())?.value;
		return this.node.request(owner, get, key);
	}
}

test("a store on 8 nodes: what any of them puts, any other gets, also from nodes that joined later", async () => {
	const ring = new Ring(1, { latency: uniform(5, 50) });
	const first = new Store(await ring.add("first"));
	const stores = [first];
	const join = async (name: string): Promise<void> => {
		const store = new Store(await ring.add(name));
		await ring.until(store.node.joinRing(first.node.address));
		stores.push(store);
	};
	for (let i = 1; i < 6; i++) await join(`store ${i}`);
	await ring.settle();
	const names = Array.from({ length: 40 }, (_, i) => `name ${i}`);
	await ring.until(
		Promise.all(names.map((name, i) => (stores[i % 6] ?? first).put(name, `value of ${name}`))),
	);
	for (let i = 6; i < 8; i++) await join(`store ${i}`);
	await ring.settle();
	await ring.simulation.run(1_000);
	for (const store of stores) {
		const values = await ring.until(Promise.all(names.map((name) => store.get(name))));
		expect(values).toEqual(names.map((name) => `value of ${name}`));
	}
	expect(await ring.until(first.get("nothing"))).toBeUndefined();
	// Each value is where it belongs, and only there.
	expect(stores.map(({ kept }) => kept.size).reduce((a, b) => a + b)).toBe(40);
	for (const { node, kept } of stores) {
		for (const { key } of kept.values()) expect(ring.owner(key)).toBe(node);
	}
	expect(stores.filter(({ kept }) => kept.size > 0).length).toBeGreaterThan(4);
});
