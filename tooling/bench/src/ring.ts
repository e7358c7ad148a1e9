import { setTimeout as delay } from "node:timers/promises";

import { LocalNode, type LocalNodeOptions, type RemoteNode, formatAddress } from "@cicada/chordlib";

/** Pointers that have not changed for so long, in milliseconds, do not change any more. */
const REST = 1_000;

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

const hashOf = ({ hash }: RemoteNode): string => hash.toString();

/** A node that listens on a free port of the loopback interface, and is alone. */
export async function listen(options: LocalNodeOptions = {}): Promise<LocalNode> {
	return new LocalNode(formatAddress, LOOPBACK, options).listen();
}

/** Lets every node join, all at once, through one that was there before it. */
async function join(nodes: readonly LocalNode[]): Promise<void> {
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
async function agrees(nodes: readonly LocalNode[]): Promise<boolean> {
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

/** Whether each node's neighbours are those that its place on the ring gives it. A look at pointers, without a lookup. */
function ordered(nodes: readonly LocalNode[]): boolean {
	const ring = nodes.toSorted((a, b) => a.hash.compare(b.hash));
	return ring.every((node, index) => {
		const next = ring[(index + 1) % ring.length];
		return (
			next !== undefined &&
			node.successor?.hash.equals(next.hash) === true &&
			next.predecessor?.hash.equals(node.hash) === true
		);
	});
}

/** A ring of nodes that join all at once, as soon as every lookup in it is right, and seconds until then. Close it. */
export async function form(
	size: number,
	options: LocalNodeOptions = {},
): Promise<{
	readonly nodes: readonly LocalNode[];
	readonly joined: number;
	readonly right: number;
	readonly sweeps: number;
}> {
	const started = performance.now();
	const seconds = (): number => (performance.now() - started) / 1_000;
	const nodes = await Promise.all(Array.from({ length: size }, () => listen(options)));
	await join(nodes);
	const joined = seconds();
	const sweeps = await agreement(nodes);
	return { nodes, joined, right: seconds(), sweeps };
}

/** Waits until every lookup is right. Gives how many times all of them had to be tried. */
async function agreement(nodes: readonly LocalNode[]): Promise<number> {
	// Lookups that cannot be right yet would only take time from the nodes that are at work.
	while (!ordered(nodes)) await delay(5);
	let sweeps = 1;
	while (!(await agrees(nodes))) sweeps++;
	return sweeps;
}

/** A ring in which every lookup is right, and no pointer has changed for a second. Close it. */
export async function ringAtRest(
	size: number,
	options: LocalNodeOptions = { pace: { slowest: REST / 2 } },
): Promise<readonly LocalNode[]> {
	// A successor list is right when news of the last join has gone through as many nodes as it is long. At the usual
	// pace that takes a minute; a second is then long enough to see that nothing changes any more.
	const nodes = await Promise.all(Array.from({ length: size }, () => listen(options)));
	await join(nodes);
	await agreement(nodes);
	const pointers = (): string =>
		nodes.flatMap(({ successors, fingers }) => [...successors, ...fingers].map(hashOf)).join(" ");
	for (let before = ""; before !== pointers(); await delay(REST)) before = pointers();
	return nodes;
}

export async function closeAll(nodes: readonly { close(): Promise<void> }[]): Promise<void> {
	await Promise.all(nodes.map((node) => node.close()));
}
