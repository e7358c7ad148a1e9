import type { Address, Link, LinkHandler, SimHost, Simulation } from "../src/index.ts";

/** The owner of a link, who writes down all that it is told, and when. */
export class Diary implements LinkHandler {
	readonly lines: string[] = [];
	readonly chunks: Uint8Array[] = [];
	link: Link | undefined;
	readonly #simulation: Simulation;
	readonly #onData: (link: Link, chunk: Uint8Array) => void;

	constructor(
		simulation: Simulation,
		onData: (link: Link, chunk: Uint8Array) => void = () => undefined,
	) {
		this.#simulation = simulation;
		this.#onData = onData;
	}

	/** All that came, as text. */
	get text(): string {
		return this.chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
	}

	open(): void {
		this.#note("open");
	}

	data(chunk: Uint8Array): void {
		this.chunks.push(chunk);
		this.#note(`data ${chunk.length}`);
		if (this.link !== undefined) this.#onData(this.link, chunk);
	}

	drain(): void {
		this.#note("drain");
	}

	close(error?: Error & { code?: string }): void {
		this.#note(error === undefined ? "close" : `close ${error.code}`);
	}

	#note(what: string): void {
		this.lines.push(`${this.#simulation.now} ${what}`);
	}
}

export const PORT = 7000;

/** Where a host listens in these tests. */
export const at = (host: SimHost): Address => ({ host: host.ip, port: PORT });

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Has `host` accept links; the diaries of those that it accepted, in order. */
export const serve = (
	simulation: Simulation,
	host: SimHost,
	onData?: (link: Link, chunk: Uint8Array) => void,
): Diary[] => {
	const accepted: Diary[] = [];
	void host.transport.listen(at(host), (link) => {
		const diary = new Diary(simulation, onData);
		diary.link = link;
		accepted.push(diary);
		diary.lines.push(`${simulation.now} accept`);
		return diary;
	});
	return accepted;
};

/** Dials, and writes down what comes of it. */
export const dial = (simulation: Simulation, from: SimHost, to: Address | SimHost): Diary => {
	const diary = new Diary(simulation);
	diary.link = from.transport.dial("port" in to ? to : at(to), diary);
	return diary;
};

/** Two hosts, and an open link between them. */
export const pair = (
	simulation: Simulation,
	options: { a?: object; b?: object } = {},
): { a: SimHost; b: SimHost; near: Diary; far: Diary } => {
	const a = simulation.host("a", options.a);
	const b = simulation.host("b", options.b);
	const accepted = serve(simulation, b);
	const near = dial(simulation, a, b);
	simulation.advance(1_000);
	const [far] = accepted;
	if (far === undefined) throw new Error("nobody was accepted");
	near.lines.length = 0;
	far.lines.length = 0;
	return { a, b, near, far };
};

/** Hosts that greet each other at random moments: something happens all the time. */
export const chatter = (simulation: Simulation, count: number): void => {
	const hosts = Array.from({ length: count }, (_, index) => `h${index}`);
	for (const name of hosts) {
		simulation.host(name, {
			start: ({ clock, random, transport }, host) => {
				void transport.listen(at(host), (link) => ({
					open: () => undefined,
					data: (chunk) => link.send(chunk),
					drain: () => undefined,
					close: () => undefined,
				}));
				const greet = async (): Promise<void> => {
					const peer = hosts[Math.floor(random.next() * hosts.length)] ?? name;
					const link: Link = transport.dial(
						{ host: await transport.resolve(peer), port: PORT },
						{
							open: () => link.send(random.bytes(20)),
							data: () => link.close(),
							drain: () => undefined,
							close: () => undefined,
						},
					);
				};
				const tick = (): void => {
					void greet();
					clock.schedule(200 + 200 * random.next(), tick);
				};
				clock.schedule(100 * random.next(), tick);
			},
		});
	}
};
