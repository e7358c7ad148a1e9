import { LocalNode, formatAddress } from "@cicada/chordlib";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

/** Numbers in [0, 1) that are the same in each run (mulberry32), so that runs differ in time only. */
export function chance(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d_2b_79_f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

export function pick<T>(values: readonly T[], random: () => number): T {
	const value = values[Math.floor(random() * values.length)];
	if (value === undefined) throw new Error("nothing to pick from");
	return value;
}

/** A node that listens on a free port of the loopback interface, and is alone. */
export async function listen(): Promise<LocalNode> {
	return new LocalNode(formatAddress, LOOPBACK).listen();
}

/** Lets every node join, all at once, through one that was there before it. */
export async function join(nodes: readonly LocalNode[]): Promise<void> {
	const random = chance(1);
	await Promise.all(
		nodes.map(async (node, index) => {
			if (index === 0) return;
			const remote = pick(nodes.slice(0, index), random);
			await node.joinRing(remote.address, { timeout: 60_000 });
		}),
	);
}

/** Whether every node's lookup of every node's id answers that node. Stops at the first that does not. */
export async function agrees(nodes: readonly LocalNode[]): Promise<boolean> {
	for (const asker of nodes) {
		const right = await Promise.all(
			nodes.map(async (wanted) => {
				try {
					const { node } = await asker.lookup(wanted.hash, { timeout: 5_000 });
					return node.hash.equals(wanted.hash);
				} catch {
					return false;
				}
			}),
		);
		if (right.includes(false)) return false;
	}
	return true;
}

/** A ring in which every lookup is right. Close it. */
export async function ring(size: number): Promise<readonly LocalNode[]> {
	const nodes = await Promise.all(Array.from({ length: size }, listen));
	await join(nodes);
	while (!(await agrees(nodes)));
	return nodes;
}

export async function closeAll(nodes: readonly { close(): Promise<void> }[]): Promise<void> {
	await Promise.all(nodes.map((node) => node.close()));
}
