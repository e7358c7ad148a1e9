import { type NoticeType, defineNotice, rest } from "@cicada/chordlib";
import { expect, test } from "vitest";

import type { SwarmPeer } from "../src/index.ts";
import { Forger, type Passing, tapping } from "./forger.ts";
import { assertForSeeds } from "./seeds.ts";
import { Swarm, areStrangers, drain, sparse } from "./swarm.ts";

const FILE = "relay.test.ts";
const factor = Number(process.env["CICADA_FACTOR"] ?? 1);
/** Altered and repeated messages in all. */
const FORGERIES = 10_000 * factor;

/** A type of message by its name, with any bytes as its body. */
function raw({ name }: NoticeType<unknown>): NoticeType<Uint8Array> {
	return defineNotice(name, rest);
}

/** A swarm of which the middle are relays that see, and alter, what they pass on. */
async function withRelays(
	seed: number,
	onPath: (passing: Passing, relays: readonly Forger[]) => void,
): Promise<{ swarm: Swarm; relays: Forger[]; tampered: () => number }> {
	const swarm = new Swarm(seed, { ...sparse, encryption: "required", identity: "key" });
	await swarm.grow(4);
	const relays: Forger[] = [];
	const hooks = tapping((passing) => {
		onPath(passing, relays);
	});
	for (let i = 0; i < 6; i++) relays.push(await Forger.join(swarm, { hooks }));
	await swarm.grow(4);
	let events = 0;
	for (const peer of swarm.peers) peer.on("tamper", () => events++);
	return { swarm, relays, tampered: () => events };
}

test(
	"relays that alter, repeat, hold back and reflect: nothing false arrives, and all that is honest does",
	{ timeout: factor === 1 ? 30_000 : 1_800_000 },
	async () => {
		// Of all swarms: in some of them everybody is linked with everybody, so that nothing goes over relays.
		const counts = { altered: 0, repeated: 0, reflected: 0, held: 0 };
		let noticed = 0;
		await assertForSeeds(FILE, 3, async (seed) => {
			let armed = false;
			const { swarm, tampered } = await withRelays(seed, ({ type, fields, body }, relays) => {
				const [relay] = relays;
				if (!armed || relay === undefined) return;
				const { random } = swarm.simulation;
				const { clock } = swarm.hostOf(swarm.first);
				const copy = body.slice();
				const say = (to: SwarmPeer["hash"] | undefined, delay: number): void => {
					clock.schedule(delay, () => to && relay.node.route(to, raw(type), copy));
				};
				const target = swarm.peers[Math.floor(random.next() * swarm.peers.length)]?.hash;
				const dice = random.next();
				if (dice < 0.25) {
					// Any byte from the origin's life on, so the type and the hops too.
					const place = Math.floor(random.next() * fields.length);
					fields[place] = fields[place]! ^ (1 << Math.floor(random.next() * 8));
					counts.altered++;
				} else if (dice < 0.35) {
					for (const { hash } of swarm.peers) say(hash, random.next() * 5_000);
					counts.repeated++;
				} else if (dice < 0.45) {
					say(target, 10);
					counts.reflected++;
				} else if (dice < 0.55) {
					for (const { hash } of swarm.peers) say(hash, 200 + random.next() * 2_000);
					body.fill(0);
					counts.held++;
				}
			});
			armed = true;
			const pairs = swarm.peers.flatMap((from) =>
				swarm.peers.filter((to) => areStrangers(from, to)).map((to) => [from, to] as const),
			);
			const texts = Array.from({ length: 10 }, (_, i) => `message ${i}`);
			const sends = pairs.flatMap(([from, to]) =>
				texts.map((text) => from.send(to, `${from.hash.toString()} ${text}`, { timeout: 100_000 })),
			);
			await swarm.until(Promise.all(sends));
			await swarm.simulation.run(10_000);
			for (const to of swarm.peers) {
				const got = new Map<string, string[]>();
				while (to.pending > 0) {
					const { source, data } = await to.recv();
					const [name = "", ...words] = new TextDecoder().decode(data).split(" ");
					expect([source.hash.toString(), source.verified]).toEqual([name, true]);
					got.set(name, [...(got.get(name) ?? []), words.join(" ")]);
				}
				const senders = pairs.filter(([, target]) => target === to).map(([from]) => from);
				expect(got.size).toBe(senders.length);
				for (const from of senders) expect(got.get(from.hash.toString())).toEqual(texts);
			}
			noticed += tampered();
		});
		for (const count of Object.values(counts)) expect(count).toBeGreaterThan(30 * factor);
		expect(noticed).toBeGreaterThan(10 * factor);
	},
);

test("of altered and repeated messages of sessions none is accepted, and the sessions go on", async () => {
	const heard: { type: NoticeType<Uint8Array>; body: Uint8Array }[] = [];
	let listening = true;
	const { swarm, relays, tampered } = await withRelays(1, ({ type, body }) => {
		if (listening) heard.push({ type: raw(type), body: body.slice() });
	});
	const [forger] = relays;
	if (forger === undefined) throw new Error("nobody");
	heard.length = 0;
	const pairs = swarm.peers.flatMap((from) => swarm.peers.map((to) => [from, to] as const));
	for (let round = 0; round < 10; round++) {
		await swarm.until(Promise.all(pairs.map(([from, to]) => from.send(to, "honest"))));
		for (const peer of swarm.peers) await drain(peer);
	}
	listening = false;
	const kinds = new Set(heard.map(({ type }) => type.name.split("/").at(-1)));
	expect(kinds).toEqual(new Set(["hello", "here", "sealed", "welcome", "who"]));

	const { random } = swarm.simulation;
	let said = 0;
	while (said < FORGERIES) {
		for (const { type, body } of heard) {
			const altered = new Uint8Array(body);
			const dice = random.next();
			// Some are repeated as they were, some under a number that was not used yet.
			if (dice > 0.1) {
				const place = Math.floor(random.next() * altered.length);
				altered[place] = altered[place]! ^ (1 << Math.floor(random.next() * 8));
			}
			if (dice > 0.5 && type.name.endsWith("sealed")) altered[10] = altered[10]! ^ 4;
			for (const { hash } of swarm.peers) {
				forger.node.route(hash, type, altered);
				said++;
			}
		}
		await swarm.simulation.run(3_000);
	}
	for (const peer of swarm.peers) expect(peer.pending).toBe(0);
	expect(tampered()).toBeGreaterThan(FORGERIES / 100);

	const codes = pairs.map(async ([from, to]) => from.send(to, "still here"));
	await swarm.until(Promise.all(codes));
	for (const peer of swarm.peers) {
		expect(await drain(peer)).toEqual(swarm.peers.map(() => "still here"));
	}
	console.log(`${said} altered and repeated messages, 0 accepted, ${tampered()} told of`);
});
