// Against a real router daemon, in network namespaces: see tooling/natlab. All tests begin at once, and wait until
// one of the homes that they want is free.
import {
	type Home,
	Lab,
	type Machine,
	type Offer,
	type Program,
	until,
	whyNoLab,
} from "@cicada/natlab";
import { afterAll, beforeAll, describe, expect, test, type TestContext, vi } from "vitest";

import type { MappedPort } from "../src/index.ts";

vi.setConfig({ maxConcurrency: 100, testTimeout: 120_000 });

const reason = whyNoLab();
const agent = new URL("agent.mjs", import.meta.url).pathname;

interface State {
	readonly externalPort: number;
	readonly externalIp: string;
	readonly localAddress: string;
	readonly by: "UPnP" | "NAT-PMP";
	readonly mappings: readonly MappedPort[];
}

const offers: readonly (Offer & { readonly by: State["by"]; readonly home: number })[] = [
	{ home: 0, by: "UPnP", igd: 2, natpmp: false },
	{ home: 1, by: "UPnP", igd: 1, natpmp: false },
	{ home: 2, by: "UPnP", igd: 2, natpmp: true },
	{ home: 3, by: "NAT-PMP", upnp: false, natpmp: true },
];
/** How many homes have the same offer. */
const ALIKE = 2;
/** Homes where nobody can be reached. */
const SHARED = offers.length * ALIKE;
const SILENT = SHARED + 1;

let lab: Lab;
let visits = 0;
const turns = new Map<number, Promise<unknown>>();

/** A home that is this test's own for as long as it runs, with programs that end with it. */
class Visit {
	readonly home: Home;
	readonly #context: TestContext;

	constructor(home: Home, context: TestContext) {
		this.home = home;
		this.#context = context;
	}

	/** Runs the agent on a machine of the home. */
	start(machine: Machine = this.home.client): Program {
		const program = machine.program(agent);
		this.#context.onTestFinished(async () => {
			await program.kill();
		});
		return program;
	}

	/** The home's second machine. */
	get neighbour(): Machine {
		return this.home.clients[1] as Machine;
	}

	get wan(): string {
		return this.home.router.wan;
	}

	/** As {@link Router.forwarded} shows a port that leads to the first machine. */
	rule(protocol: "tcp" | "udp", externalPort: number, localPort = externalPort): string {
		return `${protocol} ${externalPort} ${this.home.client.address}:${localPort}`;
	}
}

/** The router forwards exactly these, at once or a moment later. */
const expectForwarded = async ({ home }: Visit, ...rules: readonly string[]): Promise<void> => {
	await until(`the router forwards ${rules.join(", ") || "nothing"}`, async () => {
		const now = await home.router.forwarded();
		return JSON.stringify(now.toSorted()) === JSON.stringify(rules.toSorted()) ? true : undefined;
	});
};

/** Waits until the tests before have left a home with this offer, and starts its router anew. */
const visit = async (offer: number, context: TestContext): Promise<Visit> => {
	const number =
		offer < offers.length
			? offer + offers.length * (Math.floor(visits++ / offers.length) % ALIKE)
			: offer;
	const home = lab.homes[number] as Home;
	const before = turns.get(number);
	turns.set(
		number,
		new Promise((resolve) => {
			context.onTestFinished(resolve);
		}),
	);
	await before;
	if (number !== SILENT) await home.router.restart();
	return new Visit(home, context);
};

test.skipIf(process.env["CI"] !== "true")("under CI, there is a lab, or the tests fail", () => {
	expect(reason).toBeUndefined();
});

describe.skipIf(reason !== undefined)(
	`with routers${reason ? ` (skipped: ${reason})` : ""}`,
	() => {
		beforeAll(async () => {
			lab = await Lab.create([
				...Array.from({ length: ALIKE }, () =>
					offers.map((offer) => ({ ...offer, clients: 2 })),
				).flat(),
				{ wan: "100.64.0.5" },
				{ daemon: false },
			]);
		}, 60_000);

		afterAll(async () => {
			await lab?.close();
		});

		describe.concurrent("a lease is renewed, and the mapping outlives it; then it ends without us", () => {
			test.concurrent.for(offers)("$home: $by", async ({ home }, context) => {
				const at = await visit(home, context);
				const client = at.start();
				const { mappings } = await client.call<State>("open", 7000, { lifetime: 3 });
				const first = new Date(String(mappings[0]?.expires)).getTime();
				expect(first).toBeLessThan(Date.now() + 4_000);
				await until("the lease that was granted first is over", () =>
					Promise.resolve(Date.now() > first + 1_000 ? true : undefined),
				);
				expect(await at.home.router.forwarded()).toEqual([at.rule("tcp", 7000)]);
				await client.kill();
				await expectForwarded(at);
			});
		});

		describe.concurrent.each(["tcp", "udp"] as const)(
			"a %s listener is reached through the mapped port, and no longer after close",
			(protocol) => {
				test.concurrent.for(offers)("$home: $by", async ({ home, by }, context) => {
					const at = await visit(home, context);
					const client = at.start();
					await client.call("listen", 7000, protocol);
					expect(await lab.reach(at.wan, 7000, protocol)).not.toBe("answered");

					expect(await client.call<State>("open", 7000, { protocol })).toMatchObject({
						by,
						externalPort: 7000,
						externalIp: at.wan,
						localAddress: at.home.client.address,
					});
					expect(await at.home.router.forwarded()).toEqual([at.rule(protocol, 7000)]);
					expect(await lab.reach(at.wan, 7000, protocol)).toBe("answered");

					await client.call("on", "mapping", "close");
					await expectForwarded(at);
					expect(await lab.reach(at.wan, 7000, protocol)).not.toBe("answered");
					expect(await client.call("handles")).toEqual([]);
					expect(await client.end()).toBe(0);
					expect(client.stderr).toBe("");
				});
			},
		);

		describe.concurrent("two mappings at once, and each goes alone", () => {
			test.concurrent.for(offers)("$home: $by", async ({ home }, context) => {
				const at = await visit(home, context);
				const client = at.start();
				await Promise.all([
					client.call("open", 7001, {}, "one"),
					client.call("open", 7002, { protocol: "udp" }, "two"),
				]);
				await expectForwarded(at, at.rule("tcp", 7001), at.rule("udp", 7002));
				await client.call("on", "one", "close");
				await expectForwarded(at, at.rule("udp", 7002));
				await client.call("on", "two", "close");
				await expectForwarded(at);
			});
		});

		describe.concurrent("a taken port: another one", () => {
			test.concurrent.for(offers)("$home: $by", async ({ home, by }, context) => {
				const at = await visit(home, context);
				const [other, mine] = [at.start(at.neighbour), at.start()];
				await other.call("open", 7000);
				const { externalPort } = await mine.call<State>("open", 7000);
				expect(externalPort).not.toBe(7000);
				// Over NAT-PMP, it is the router that chooses.
				expect(externalPort).toBe(by === "UPnP" ? 7001 : externalPort);
				await mine.call("listen", 7000);
				expect(await lab.reach(at.wan, externalPort)).toBe("answered");
				await mine.call("on", "mapping", "close");
				await expectForwarded(at, `tcp 7000 ${at.neighbour.address}:7000`);
			});
		});

		describe.concurrent("after a restart of the router, the mapping comes back", () => {
			test.concurrent.for(offers)("$home: $by", async ({ home }, context) => {
				const at = await visit(home, context);
				const client = at.start();
				await client.call("open", 7000, { lifetime: 6 });
				await at.home.router.restart();
				expect(await at.home.router.forwarded()).toEqual([]);
				await client.event("renewed");
				expect(await at.home.router.forwarded()).toEqual([at.rule("tcp", 7000)]);
				await client.call("on", "mapping", "close");
				await expectForwarded(at);
			});
		});

		test.concurrent("upnpc and natpmpc see what we see", async (context) => {
			const at = await visit(2, context);
			await at.start().call("open", 7000);
			const { stdout: upnpc } = await at.home.client.run("upnpc", "-l");
			expect(upnpc).toMatch(/TCP {2}7000->[\d.]+:7000 +'cicada [\da-f]{8} \d+ [\da-f]{8}'/);
			expect(upnpc).toContain(`ExternalIPAddress = ${at.wan}`);
			const { stdout: natpmpc } = await at.home.client.run(
				...["natpmpc", "-a", "7005", "7005", "tcp", "60"],
			);
			expect(natpmpc).toContain(`Public IP address : ${at.wan}`);
			// What they map is not ours to take.
			const { externalPort } = await at.start(at.neighbour).call<State>("open", 7005);
			expect(externalPort).toBe(7006);
		});

		test.concurrent("what a crashed run left behind is removed, and nothing else", async (context) => {
			const at = await visit(0, context);
			const crashed = at.start();
			await crashed.call("open", 7000);
			await crashed.kill();
			await at.start(at.neighbour).call("open", 7001);
			await at.start().call("open", 7002);
			await at.home.client.run("upnpc", "-a", at.home.client.address, "7003", "7003", "TCP");
			await at.start().call("open", 7004);
			await expectForwarded(
				at,
				`tcp 7001 ${at.neighbour.address}:7001`,
				...[7002, 7003, 7004].map((port) => at.rule("tcp", port)),
			);
		});

		describe.concurrent("the process is told to end: the mappings go first", () => {
			test.concurrent.for(["SIGTERM", "SIGINT"] as const)("%s", async (signal, context) => {
				const at = await visit(1, context);
				const client = at.start();
				await client.call("open", 7000, { closeOnExit: true });
				await client.call("open", 7001, { closeOnExit: true }, "another");
				expect(await client.kill(signal)).toBe(signal);
				expect(await at.home.router.forwarded()).toEqual([]);
			});
		});

		describe.concurrent("a mapper alone: create, add, delete, clean up", () => {
			test.concurrent.for(["UPnP", "NAT-PMP"] as const)("%s", async (kind, context) => {
				const at = await visit(2, context);
				const client = at.start();
				expect(await client.call("create", kind)).toEqual({
					externalIp: at.wan,
					localAddress: at.home.client.address,
				});
				const mapped = await client.call<MappedPort>("on", kind, "addPortMapping", 7000, 8000);
				expect(mapped).toMatchObject({ protocol: "tcp", localPort: 7000, externalPort: 8000 });
				await client.call("on", kind, "addPortMapping", 7001, 8001, { protocol: "udp" });
				await client.call("on", kind, "addPortMapping", 7002, 8002);
				await client.call("on", kind, "deletePortMapping", 7000);
				await expectForwarded(at, at.rule("udp", 8001, 7001), at.rule("tcp", 8002, 7002));
				await client.call("on", kind, "cleanup");
				await expectForwarded(at);
				await client.call("on", kind, "close");
				expect(await client.call("handles")).toEqual([]);
				expect(await client.call("localAddress")).toBe(at.home.client.address);
			});
		});

		test.concurrent("the provider changes the address: who asked is told", async (context) => {
			const at = await visit(3, context);
			const client = at.start();
			await client.call("open", 7000, { lifetime: 6 });
			const before = at.wan;
			await lab.addNetwork("198.51.111.1");
			await at.home.router.changeWan("198.51.111.1");
			expect(await client.event("moved")).toMatchObject({ externalIp: "198.51.111.1" });
			await client.call("listen", 7000);
			expect(await lab.reach("198.51.111.1", 7000)).toBe("answered");
			await client.call("on", "mapping", "close");
			await at.home.router.changeWan(before);
		});

		test.concurrent("a router with a shared address is double NAT, and no success", async (context) => {
			const at = await visit(SHARED, context);
			await expect(at.start().call("open", 7000)).rejects.toMatchObject({
				code: "DOUBLE_NAT",
				told: {
					evidence: [
						{ method: "UPnP", gateway: at.home.router.address, code: "DOUBLE_NAT" },
						{ method: "NAT-PMP", gateway: at.home.router.address, code: "DOUBLE_NAT" },
					],
				},
			});
			expect(await at.home.router.forwarded()).toEqual([]);
		});

		test.concurrent("no gateway: within 8 s, what each method answered", async (context) => {
			const at = await visit(SILENT, context);
			const client = at.start();
			const error = await client.call("open", 7000).catch((error: unknown) => error);
			expect(error).toMatchObject({
				code: "NO_GATEWAY",
				told: { evidence: [{ method: "UPnP" }, { method: "NAT-PMP" }] },
			});
			expect((error as { told: { took: number } }).told.took).toBeLessThan(8_000);
			expect(await client.call("handles")).toEqual([]);
			expect(await client.end()).toBe(0);
		});

		test.concurrent("no gateway, with a signal: at once", async (context) => {
			const at = await visit(SILENT, context);
			const client = at.start();
			const opening = client.call("open", 7000, { abortable: true });
			const failed = opening.catch((error: unknown) => error);
			await client.call("abort");
			expect(await failed).toMatchObject({ told: { message: "enough" } });
			expect(((await failed) as { told: { took: number } }).told.took).toBeLessThan(1_000);
			expect(await client.end()).toBe(0);
		});
	},
);
