// Peers behind real routers, in network namespaces: see tooling/natlab.
import { type HomeOptions, Lab, type Machine, type Program, whyNoLab } from "@cicada/natlab";
import { describe, expect, onTestFinished, test } from "vitest";

const reason = whyNoLab();
const agent = new URL("lab-agent.mjs", import.meta.url).pathname;

interface Bound {
	readonly hash: string;
	readonly address: { readonly host: string; readonly port: number };
}

interface Peer extends Bound {
	readonly program: Program;
	readonly state?: string;
}

const labWith = async (homes: readonly HomeOptions[]): Promise<Lab> => {
	const lab = await Lab.create(homes);
	onTestFinished(() => lab.close());
	return lab;
};

/** Binds a peer on a machine. */
const bind = async (machine: Machine, ...args: readonly unknown[]): Promise<Peer> => {
	const program = machine.program(agent);
	onTestFinished(async () => {
		await program.kill();
	});
	return { program, ...(await program.call<Bound>("bind", ...args)) };
};

/** Peers of the world outside, which know each other. */
const outside = async (lab: Lab, count: number): Promise<Peer[]> => {
	const peers: Peer[] = [];
	for (let i = 0; i < count; i++) {
		const peer = await bind(lab.outside, lab.outside.address, 7000 + 100 * i);
		if (i > 0) await peer.program.call("connect", lab.outside.address, 7000);
		peers.push(peer);
	}
	return peers;
};

/** A peer of each home, connected through the first outside. */
const atHome = async (lab: Lab): Promise<Peer[]> => {
	const peers: Peer[] = [];
	for (const { client } of lab.homes) {
		const peer = await bind(client, "", 5000, { nat: "auto" });
		const reached = await peer.program.call<{ state: string }>(
			"connect",
			lab.outside.address,
			7000,
		);
		peers.push({ ...peer, state: reached.state });
	}
	return peers;
};

/** One message each way. */
const expectExchange = async (one: Peer, other: Peer): Promise<void> => {
	for (const [from, to] of [
		[one, other],
		[other, one],
	] as const) {
		expect(await from.program.call("send", to.hash, "hello")).toBe(true);
		expect(await to.program.call("recv")).toEqual({ from: from.hash, text: "hello" });
	}
};

test.skipIf(process.env["CI"] !== "true")("under CI, there is a lab, or the tests fail", () => {
	expect(reason).toBeUndefined();
});

describe.skipIf(reason !== undefined)(
	`behind routers${reason ? ` (skipped: ${reason})` : ""}`,
	() => {
		test("two peers behind two routers are members by mapped ports, and exchange messages", async () => {
			const lab = await labWith([{}, { upnp: false }]);
			const [first] = await outside(lab, 1);
			const [one, other] = (await atHome(lab)) as [Peer, Peer];
			for (const [index, peer] of [one, other].entries()) {
				const wan = lab.homes[index]?.router.wan;
				expect(peer).toMatchObject({ state: "mapped", address: { host: wan, port: 5000 } });
			}
			await expectExchange(one, other);
			await expectExchange(one, first!);
			await one.program.call("close");
			expect(await lab.homes[0]?.router.forwarded()).toEqual([]);
		}, 120_000);

		test("where routers map nothing they are leaves, also after those that served them are killed", async () => {
			const lab = await labWith([{ daemon: false }, { daemon: false }]);
			const members = await outside(lab, 6);
			const [one, other] = (await atHome(lab)) as [Peer, Peer];
			expect([one.state, other.state]).toEqual(["leaf", "leaf"]);
			await expectExchange(one, other);
			await expectExchange(one, members[3]!);
			for (const leaf of [one, other]) {
				const owner = await members.at(-1)!.program.call<string>("owner", leaf.hash);
				const index = members.findIndex(({ hash }) => hash === owner);
				// Somebody outside must be left to ask.
				const [served] = members.splice(index === members.length - 1 ? 0 : index, 1);
				await served?.program.kill();
				await expectExchange(one, other);
			}
			expect(await members.at(-1)?.program.call("broadcast", "news")).toBe(5);
			for (const leaf of [one, other]) {
				expect(await leaf.program.call("recv")).toMatchObject({ text: "news" });
			}
		}, 180_000);
	},
);
