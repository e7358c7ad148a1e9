// More than one router, against a real router daemon, in network namespaces: see tooling/natlab.
import { Lab, type Machine, type Program, whyNoLab } from "@cicada/natlab";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

const reason = whyNoLab();
const agent = new URL("agent.mjs", import.meta.url).pathname;

let lab: Lab;

const start = (machine: Machine): Program => {
	const program = machine.program(agent);
	onTestFinished(async () => {
		await program.kill();
	});
	return program;
};

/** Opens a mapping of a port there, and expects that it leads through the router with the address `wan`. */
const expectThrough = async (machine: Machine, wan: string, port: number): Promise<void> => {
	const program = start(machine);
	await program.call("listen", port);
	expect(await program.call("open", port)).toMatchObject({ externalIp: wan, externalPort: port });
	expect(await lab.reach(wan, port)).toBe("answered");
	await program.call("on", "mapping", "close");
	expect(await lab.reach(wan, port)).not.toBe("answered");
};

describe.skipIf(reason !== undefined)(
	`more than one router${reason ? ` (skipped: ${reason})` : ""}`,
	() => {
		beforeAll(async () => {
			lab = await Lab.create([
				{ clients: 2, natpmp: false },
				{ lanOf: 0, natpmp: false },
				{ natpmp: false },
				{ daemon: false },
				{ lanOf: 3, natpmp: false },
			]);
		}, 60_000);

		afterAll(async () => {
			await lab?.close();
		});

		test("two in one LAN: the one that the machine's default route leads to", async () => {
			const [home, second] = lab.homes;
			if (home === undefined || second === undefined) throw new Error("no homes");
			const [one, other] = home.clients as [Machine, Machine];
			await other.ip(`route replace default via ${second.router.address} metric 100`);
			// Whichever answers first, one of the two must do without it.
			await expectThrough(one, home.router.wan, 7000);
			await expectThrough(other, second.router.wan, 7001);
		});

		test("two in one LAN, and the one of the default route maps nothing: the other, for it is all there is", async () => {
			const [, , , home, second] = lab.homes;
			if (home === undefined || second === undefined) throw new Error("no homes");
			const program = start(home.client);
			expect(await program.call("open", 7000)).toMatchObject({ externalIp: second.router.wan });
			await program.call("on", "mapping", "close");
			expect(await second.router.forwarded()).toEqual([]);
		});

		test("two interfaces: the router of the better route, and the address that faces it", async () => {
			const [home, second, elsewhere] = lab.homes;
			if (home === undefined || second === undefined || elsewhere === undefined)
				throw new Error("no homes");
			const address = await lab.plug(home.client, elsewhere, 50);
			await expectThrough(home.client, elsewhere.router.wan, 7002);

			// NAT-PMP asks along the default routes.
			await Promise.all([home.router.stop(), second.router.stop()]);
			await elsewhere.router.restart({ upnp: false });
			const program = start(home.client);
			expect(await program.call("open", 7003)).toMatchObject({
				by: "NAT-PMP",
				externalIp: elsewhere.router.wan,
				localAddress: address,
			});
			await program.call("on", "mapping", "close");
			expect(await elsewhere.router.forwarded()).toEqual([]);
		});
	},
);
