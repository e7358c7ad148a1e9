// A key-value store on the ring alone. Three nodes keep each entry: the owner of its key and the two after it.
// Nodes may come, go and crash; what somebody was told is kept stays, as long as one of the three does.
import {
	type Ports,
	type RemoteNode,
	type Timer,
	boolean,
	bytes,
	defineRequest,
	Hash,
	list,
	LocalNode,
	nothing,
	optional,
	struct,
	systemClock,
	text,
	u16,
	u48,
} from "@cicada/chordlib";

const COPIES = 3;
const BATCH = 100;
/** Milliseconds between two looks at who keeps what, and between two tries; how many of these. */
const EVERY = 5_000;
const AGAIN = 250;
const TRIES = 120;

const key = text(100);
const value = bytes(1_000);
const kept = struct({ version: u48, value });
type Kept = { readonly version: number; readonly value: Uint8Array };

// What anybody asks the owner of a key: it speaks for all who keep it.
const get = defineRequest("example.org/store/2/get", { request: key, response: optional(value) });
const put = defineRequest("example.org/store/2/put", {
	request: struct({ key, value }),
	response: nothing,
});
// What those who keep an entry ask each other.
const read = defineRequest("example.org/store/2/read", { request: key, response: optional(kept) });
const write = defineRequest("example.org/store/2/write", {
	request: struct({ key, kept }),
	// False when what is there is as new, or newer.
	response: boolean,
});
const offer = defineRequest("example.org/store/2/offer", {
	request: list(struct({ key, version: u48 }), BATCH),
	// Which are wanted, and whether who offers has to go on keeping them.
	response: struct({ wanted: list(u16, BATCH), keep: boolean }),
});

export class ReplicatedStore {
	readonly node: LocalNode;
	readonly entries: Map<string, Kept & { readonly hash: Hash }> = new Map();
	readonly #clock: Ports["clock"];
	readonly #writing = new Map<string, Promise<void>>();
	#looking = false;
	#timer: Timer | undefined;

	constructor(name: string, host: string, ports: Partial<Ports> = {}) {
		this.#clock = ports.clock ?? systemClock;
		this.node = new LocalNode(name, { host, port: 0 }, { ports });
		this.node.handle(get, async (key) => (await this.#newest(key))?.value);
		this.node.handle(put, async ({ key, value }) => this.#write(key, value.slice()));
		this.node.handle(read, (key) => this.entries.get(key));
		this.node.handle(write, ({ key, kept }) => this.#keep(key, kept));
		this.node.handle(offer, (offered, { peer }) => ({
			wanted: offered.flatMap(({ key, version }, index) =>
				version > (this.entries.get(key)?.version ?? 0) ? [index] : [],
			),
			keep: this.#others.some(({ hash }) => hash.equals(peer.hash)),
		}));
		this.node.on("pointers", () => void this.#look());
	}

	async start(through?: ReplicatedStore): Promise<this> {
		await this.node.listen();
		if (through) await this.node.joinRing(through.node.address);
		this.#lookNowAndThen();
		return this;
	}

	/** Resolves when all who are to keep the entry have it. */
	async put(key: string, value: string): Promise<void> {
		const bytes = new TextEncoder().encode(value);
		await this.#untilDone(async () => {
			const { node } = await this.node.lookup(new Hash({ value: key }));
			if (node === this.node) await this.#write(key, bytes);
			else await this.node.request(node, put, { key, value: bytes });
		});
	}

	async get(key: string): Promise<string | undefined> {
		const found = await this.#untilDone(async () => {
			const { node } = await this.node.lookup(new Hash({ value: key }));
			if (node === this.node) return (await this.#newest(key))?.value;
			return this.node.request(node, get, key);
		});
		return found && new TextDecoder().decode(found);
	}

	async close(): Promise<void> {
		this.#timer?.cancel();
		this.#timer = undefined;
		await this.node.close();
	}

	/** The other nodes that keep what this one owns. */
	get #others(): readonly RemoteNode[] {
		return this.node.successors.slice(0, COPIES - 1);
	}

	/** The newest of all copies. One of them may be at a node that has just come, and has none yet. */
	async #newest(key: string): Promise<Kept | undefined> {
		const asked = this.#others.map((node) => this.node.request(node, read, key));
		const copies = await Promise.all(asked);
		return [this.entries.get(key), ...copies]
			.filter((copy) => copy !== undefined)
			.toSorted((a, b) => b.version - a.version)[0];
	}

	/** Writes to one key, one after the other. */
	async #write(key: string, value: Uint8Array): Promise<void> {
		const before = this.#writing.get(key) ?? Promise.resolve();
		const writing = before.catch(() => {}).then(() => this.#writeNow(key, value));
		this.#writing.set(key, writing);
		await writing.finally(() => {
			if (this.#writing.get(key) === writing) this.#writing.delete(key);
		});
	}

	async #writeNow(key: string, value: Uint8Array): Promise<void> {
		const kept = { version: ((await this.#newest(key))?.version ?? 0) + 1, value };
		const others = this.#others.map((node) => this.node.request(node, write, { key, kept }));
		// Another node, which owned the key before or does so now, wrote meanwhile: try again after it.
		const taken = [...(await Promise.all(others)), this.#keep(key, kept)].every(Boolean);
		if (!taken) throw new Error("outdated");
	}

	#keep(key: string, { version, value }: Kept): boolean {
		if (version <= (this.entries.get(key)?.version ?? 0)) return false;
		// What a codec reads is a view of the packet: copy what is kept.
		this.entries.set(key, { version, value: value.slice(), hash: new Hash({ value: key }) });
		return true;
	}

	/** Sees to it that all who are to keep an entry have it, and lets go of what others keep now. */
	async #look(): Promise<void> {
		if (this.#looking) return;
		this.#looking = true;
		try {
			// In the order of the ring: so keys of one owner follow each other.
			const left = [...this.entries].toSorted(([, a], [, b]) => a.hash.compare(b.hash));
			for (let [next] = left; next; [next] = left) {
				const first = next[1].hash;
				const { node: owner } = await this.node.lookup(first);
				const far = first.distanceTo(owner.hash);
				const same = left.slice(0, BATCH).filter(([, { hash }]) => first.distanceTo(hash) <= far);
				const batch = left.splice(0, same.length).map(([key]) => key);
				if (owner !== this.node) await this.#offer(owner, batch, true);
				else for (const other of this.#others) await this.#offer(other, batch, false);
			}
		} catch {
			// Somebody has just gone. The next look finds who is there instead.
		} finally {
			this.#looking = false;
		}
	}

	async #offer(to: RemoteNode, keys: readonly string[], mayLetGo: boolean): Promise<void> {
		const offered = keys.map((key) => ({ key, version: this.entries.get(key)?.version ?? 0 }));
		const { wanted, keep } = await this.node.request(to, offer, offered);
		for (const key of wanted.map((index) => keys[index] ?? "")) {
			const kept = this.entries.get(key);
			if (kept) await this.node.request(to, write, { key, kept });
		}
		if (!mayLetGo || keep) return;
		for (const { key, version } of offered) {
			if (this.entries.get(key)?.version === version) this.entries.delete(key);
		}
	}

	#lookNowAndThen(): void {
		void this.#look();
		this.#timer = this.#clock.schedule(EVERY, () => this.#lookNowAndThen());
	}

	/** Tries again while the ring closes around somebody who has gone. */
	async #untilDone<T>(attempt: () => Promise<T>): Promise<T> {
		for (let tries = 1; ; tries++) {
			try {
				return await attempt();
			} catch (error) {
				if (tries === TRIES || this.#timer === undefined) throw error;
				await new Promise<void>((resolve) => this.#clock.schedule(AGAIN, resolve));
			}
		}
	}
}
