// A class of one's own on top of the ring, in its manner: events, and promises with time-outs and signals.
import {
	ChordError,
	defaultLimits,
	Events,
	guard,
	LocalNode,
	systemClock,
	tcp,
	type Wait,
	Waits,
} from "@cicada/chordlib";

/** Tells who comes to a node. */
class Doorbell {
	readonly events = new Events<{ rang: string; error: unknown }>();
	readonly #waits = new Waits(systemClock);

	/** `nameOf` is somebody else's function: what it throws is an `error` event. */
	constructor(node: LocalNode, nameOf: (port: number) => string) {
		node.on("link", ({ peer: { address } }) => {
			guard(
				() => this.events.emit("rang", nameOf(address.port)),
				(error) => this.events.emit("error", error),
			);
		});
	}

	/** Resolves when the next one comes; in five seconds at most, if nothing else is said. */
	async next(wait?: Wait): Promise<string> {
		// What starting gives is called to end it, when nobody waits any more.
		return this.#waits.run(wait, 5_000, (_budget, done) =>
			this.events.on("rang", (name) => done(undefined, name)),
		);
	}

	close(): void {
		this.#waits.closeAll();
	}
}

// The system's network, said aloud, and a limit that is not the default.
const options = { ports: { transport: tcp }, limits: { links: defaultLimits.links / 2 } };
const start = async (name: string): Promise<LocalNode> =>
	new LocalNode(name, { host: "127.0.0.1", port: 0 }, options).listen();
const home = await start("home");
const guest = await start("guest");

const doorbell = new Doorbell(home, (port) => (port === guest.address.port ? "the guest" : "?"));
const coming = doorbell.next();
await guest.joinRing(home.address);
console.log(await coming); // the guest

/** The code that an operation rejects with. */
const codeOf = async (operation: Promise<unknown>): Promise<unknown> =>
	operation.catch((error: unknown) => (error instanceof ChordError ? error.code : error));
console.log(await codeOf(doorbell.next({ timeout: 10 }))); // TIMEOUT
const last = codeOf(doorbell.next());
doorbell.close();
console.log(await last); // CLOSED

await Promise.all([guest.close(), home.close()]);
