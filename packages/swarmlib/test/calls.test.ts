import { expect, test } from "vitest";

import { Hash, type PeerRequest, SwarmError, type SwarmPeer } from "../src/index.ts";
import { assertForSeeds } from "./seeds.ts";
import { type PeerOptions, Swarm, codeOf, drain, expectCode, sparse, text } from "./swarm.ts";

const FILE = "calls.test.ts";

/** A sparse swarm, and two peers of it that have no link to each other. */
async function strangers(
	seed: number,
	options: PeerOptions = {},
): Promise<{ swarm: Swarm; asker: SwarmPeer; asked: SwarmPeer }> {
	const swarm = new Swarm(seed, { ...sparse, ...options });
	await swarm.grow(12);
	const [asker, asked] = swarm.strangers();
	return { swarm, asker, asked };
}

const decoder = new TextDecoder();
const textOf = ({ data }: { data: Uint8Array }): string => decoder.decode(data);

test("a request reaches its target's handler, and what that answers comes back", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const { swarm, asker, asked } = await strangers(seed);
		const heard: PeerRequest[] = [];
		asked.onRequest((request) => {
			heard.push(request);
			return `you said ${textOf(request)}`;
		});
		const { data, exact, rtt, source } = await swarm.until(asker.request(asked, "hello"));
		expect([textOf({ data }), exact]).toEqual(["you said hello", true]);
		expect(source.hash.equals(asked.hash)).toBe(true);
		expect(rtt).toBeGreaterThan(40);
		expect(heard.map((request) => request.source.hash.equals(asker.hash))).toEqual([true]);
		expect([asked.pending, asker.pending]).toEqual([0, 0]);
	});
});

test("two applications that await each other's answers inside their receive loops make progress", async () => {
	const { swarm, asker: a, asked: b } = await strangers(1, { inbox: { messages: 1 } });
	const log: string[] = [];
	const run = async (self: SwarmPeer, other: SwarmPeer, name: string): Promise<void> => {
		self.onRequest((request) => `${name} ${textOf(request)}`);
		for await (const message of self) {
			const answer = await self.request(other, text(message));
			log.push(textOf(answer));
		}
	};
	const loops = [run(a, b, "a"), run(b, a, "b")];
	const rounds = Array.from({ length: 10 }, (_, i) => [a.send(b, `${i}`), b.send(a, `${i}`)]);
	await swarm.until(Promise.all(rounds.flat()));
	await swarm.until(() => log.length === 20);
	await Promise.all([a.close(), b.close(), ...loops]);
	const numbers = Array.from({ length: 10 }, (_, i) => [`a ${i}`, `b ${i}`]).flat();
	expect(log.toSorted()).toEqual(numbers.toSorted());
});

test("neither a full inbox nor an application that does not read holds up requests", async () => {
	const { swarm, asker, asked } = await strangers(2, { inbox: { messages: 1 } });
	const stuck = [1, 2, 3].map((i) => codeOf(asker.send(asked, `${i}`, { timeout: 20_000 })));
	await swarm.simulation.run(2_000);
	asked.onRequest(() => "at once");
	const started = swarm.simulation.now;
	await swarm.until(asker.request(asked, ""));
	expect(swarm.simulation.now - started).toBeLessThan(2_000);
	expect(await swarm.until(Promise.all(stuck))).toEqual(["nothing", "TIMEOUT", "TIMEOUT"]);
});

test("a megabyte goes there and back; what is larger is TOO_LARGE at once, in an answer REMOTE", async () => {
	const { swarm, asker, asked } = await strangers(3);
	const errors: unknown[] = [];
	asked.on("error", (error) => errors.push(error));
	asked.onRequest(({ data }) => (data.length === 0 ? new Uint8Array(1_048_577) : data));
	const data = Uint8Array.from({ length: 1_048_576 }, (_, i) => i * 7 + (i >>> 8));
	const answer = await swarm.until(asker.request(asked, data));
	expect(Buffer.compare(answer.data, data)).toBe(0);
	await expectCode(asker.request(asked, new Uint8Array(1_048_577)), "TOO_LARGE");
	await expectCode(swarm.until(asker.request(asked, "")), "REMOTE");
	expect(errors).toMatchObject([{ code: "TOO_LARGE" }]);
});

test("what a handler throws is an error event here and REMOTE there, told only where the handler says so", async () => {
	const { swarm, asker, asked } = await strangers(4);
	const errors: unknown[] = [];
	asked.on("error", (error) => errors.push(error));
	const failures = [
		new Error("the password is 1234"),
		new SwarmError("REMOTE", "there is no such file"),
		new SwarmError("TIMEOUT", "my own trouble"),
	];
	asked.onRequest(async ({ data }) => {
		await Promise.resolve();
		throw failures[data[0] ?? 0] ?? new Error("?");
	});
	const messages: string[] = [];
	for (const [index] of failures.entries()) {
		const asking = asker.request(asked, Uint8Array.of(index));
		const error: unknown = await swarm.until(asking.catch((reason: unknown) => reason));
		if (!(error instanceof SwarmError)) throw new Error("it was answered");
		expect(error.code).toBe("REMOTE");
		messages.push(error.message.replace(asked.hash.toString(), "it"));
	}
	expect(messages).toEqual([
		"it answers: the handler failed",
		"it answers: there is no such file",
		"it answers: the handler failed",
	]);
	expect(errors).toEqual([failures[0], failures[2]]);
});

test("a peer without a handler is NOT_HANDLED, one that is not there NOT_FOUND, one handler is enough", async () => {
	const { swarm, asker, asked } = await strangers(5);
	await expectCode(swarm.until(asker.request(asked, "")), "NOT_HANDLED");
	const takeBack = asked.onRequest(() => "x");
	expect(() => asked.onRequest(() => "y")).toThrow(
		expect.objectContaining({ code: "INVALID_ARGUMENT" }),
	);
	takeBack();
	takeBack();
	asked.onRequest(() => undefined);
	expect((await swarm.until(asker.request(asked, ""))).data).toEqual(new Uint8Array(0));
	await expectCode(swarm.until(asker.request(["192.0.2.1", 7000], "")), "NOT_FOUND");
});

test("who asks a bare hash is answered by the peer responsible for it; who asks itself, by itself", async () => {
	const { swarm, asker } = await strangers(6);
	for (const peer of swarm.peers) peer.onRequest(() => peer.hash.toString());
	for (let i = 0; i < 8; i++) {
		const key = new Hash({ value: `key ${i}` });
		const { data, exact, source } = await swarm.until(asker.request(key, ""));
		expect(exact).toBe(false);
		expect(textOf({ data })).toBe(source.hash.toString());
		const nearer = swarm.peers.filter(
			({ hash }) => key.distanceTo(hash) < key.distanceTo(source.hash),
		);
		expect(nearer).toEqual([]);
	}
	const { source } = await swarm.until(asker.request(asker, ""));
	expect(source.hash.equals(asker.hash)).toBe(true);
});

test("the handler hears when nobody waits for its answer any more: aborted, timed out, or gone", async () => {
	await assertForSeeds(FILE, 3, async (seed) => {
		const { swarm, asker, asked } = await strangers(seed);
		const signals: AbortSignal[] = [];
		asked.onRequest(async ({ signal }) => {
			signals.push(signal);
			return new Promise<string>(() => {});
		});
		const stop = new AbortController();
		const asking = [
			asker.request(asked, "1", { signal: stop.signal }).catch((error: unknown) => String(error)),
			codeOf(asker.request(asked, "2", { timeout: 4_000 })),
			codeOf(asker.request(asked, "3", { timeout: 20_000 })),
		];
		await swarm.until(() => signals.length === 3);
		const aborted = (): boolean[] => signals.map((signal) => signal.aborted);
		expect(aborted()).toEqual([false, false, false]);
		stop.abort("enough");
		await swarm.simulation.run(1_000);
		expect(aborted()).toEqual([true, false, false]);
		await swarm.simulation.run(4_000);
		expect(aborted()).toEqual([true, true, false]);
		const host = swarm.hostOf(asker);
		host.crash({ silent: true });
		await swarm.simulation.run(20_000);
		expect(aborted()).toEqual([true, true, true]);
		expect(await asking[0]).toBe("enough");
	});
});

test("a time-out says whether the request was taken", async () => {
	const { swarm, asker, asked } = await strangers(7);
	const messageOf = async (asking: Promise<unknown>): Promise<string> =>
		swarm.until(asking.then(String, (error: unknown) => String(error)));
	asked.onRequest(async () => new Promise<string>(() => {}));
	const timeout = 3_000;
	expect(await messageOf(asker.request(asked, "", { timeout }))).toContain("has the request");
	swarm.hostOf(asked).pause();
	expect(await messageOf(asker.request(asked, "", { timeout }))).not.toContain("has the request");
});

test("requests beyond what a peer serves at once wait for room, and all are served once", async () => {
	await assertForSeeds(FILE, 2, async (seed) => {
		const { swarm, asker, asked } = await strangers(seed, { calls: { perPeer: 4 } });
		let open = 0;
		let most = 0;
		const heard: string[] = [];
		const { clock } = swarm.hostOf(asked);
		asked.onRequest(async (request) => {
			heard.push(textOf(request));
			most = Math.max(most, ++open);
			await new Promise<void>((resolve) => {
				clock.schedule(200, resolve);
			});
			open--;
			return request.data;
		});
		const texts = Array.from({ length: 40 }, (_, i) => `${i}`);
		const answers = await swarm.until(Promise.all(texts.map((t) => asker.request(asked, t))));
		expect(answers.map(textOf)).toEqual(texts);
		expect(heard).toEqual(texts);
		expect(most).toBe(4);
	});
});

test("one request more than may be unanswered is BUSY", async () => {
	const { swarm, asker, asked } = await strangers(8, { calls: { requests: 3 } });
	asked.onRequest(() => "");
	const codes = [1, 2, 3, 4].map(() => codeOf(asker.request(asked, "")));
	expect(await swarm.until(Promise.all(codes))).toEqual(["nothing", "nothing", "nothing", "BUSY"]);
});

test("one message more than may be under way is BUSY, in number and in bytes", async () => {
	const { swarm, asker, asked } = await strangers(9, { outbox: { messages: 3, bytes: 100 } });
	const send = (length: number): Promise<string> =>
		codeOf(asker.send(asked, new Uint8Array(length)));
	const by = async (lengths: number[]): Promise<string[]> =>
		swarm.until(Promise.all(lengths.map(send)));
	expect(await by([1, 1, 1, 1])).toEqual(["nothing", "nothing", "nothing", "BUSY"]);
	expect(await by([50, 50, 1])).toEqual(["nothing", "nothing", "BUSY"]);
	expect(await by([101])).toEqual(["nothing"]);
	await drain(asked);
});

test("close rejects what is asked with CLOSED, and aborts what is being served", async () => {
	const { swarm, asker, asked } = await strangers(11);
	const signals: AbortSignal[] = [];
	asked.onRequest(async ({ signal }) => {
		signals.push(signal);
		return new Promise<string>(() => {});
	});
	const asking = codeOf(asker.request(asked, ""));
	await swarm.until(() => signals.length === 1);
	await asked.close();
	expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
	await asker.close();
	expect(await asking).toBe("CLOSED");
});

test("a handler that looks at the signal only when nobody waits any more finds that it has aborted", async () => {
	const { swarm, asker, asked } = await strangers(12);
	const requests: PeerRequest[] = [];
	asked.onRequest(async (request) => {
		requests.push(request);
		return new Promise<string>(() => {});
	});
	const asking = codeOf(asker.request(asked, "", { timeout: 1_000 }));
	await swarm.until(() => requests.length === 1);
	expect(await swarm.until(asking)).toBe("TIMEOUT");
	await swarm.simulation.run(1_000);
	expect(requests.map(({ signal }) => signal.aborted)).toEqual([true]);
});
