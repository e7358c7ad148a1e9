// A class of one's own on top of the ring, in its manner: events, and promises with time-outs and signals.
import {
	ChordError,
	defaultLimits,
	Events,
	guard,
	Hash,
	LocalNode,
	systemClock,
	tcp,
	Waits,
} from "@cicada/chordlib";

class Finder {
	readonly events = new Events<{ found: string; error: unknown }>();
	readonly #node: LocalNode;
	readonly #waits = new Waits(systemClock);

	constructor(node: LocalNode) {
		this.#node = node;
	}

	/** Finds who owns a word. What listeners and `check` throw is an `error` event. */
	async find(word: string, check: () => void, wait?: { timeout?: number }): Promise<string> {
		return this.#waits.run(wait, 5_000, (budget, done) => {
			const ending = new AbortController();
			const options = { timeout: budget, signal: ending.signal };
			this.#node.lookup(new Hash({ value: word }), options).then(
				({ node }) => {
					guard(check, (error) => this.events.emit("error", error));
					this.events.emit("found", word);
					done(undefined, node.hash.toString());
				},
				(error: Error) => done(error),
			);
			// Called when nobody waits any more.
			return () => ending.abort();
		});
	}

	close(): void {
		this.#waits.closeAll();
	}
}

// The system's network, and limits of which one is not the default.
const limits = { links: defaultLimits.links / 2 };
const here = { host: "127.0.0.1", port: 0 };
const node = await new LocalNode("a", here, { ports: { transport: tcp }, limits }).listen();

const finder = new Finder(node);
finder.events.on("found", (word) => console.log(`found ${word}`));
finder.events.on("error", (error) => console.log(String(error)));
const fail = (): void => {
	throw new Error("checked, and wrong");
};
console.log((await finder.find("cicada", fail)) === node.hash.toString()); // true

// What is still under way then ends.
const late = finder.find("cricket", () => {}, { timeout: 1_000 });
finder.close();
const code = await late.catch((error: unknown) => error instanceof ChordError && error.code);
console.log(code); // CLOSED
await node.close();
