// Each behaviour of the scripted router, met by a process of its own in a network namespace.
import { behaviours, hostileProgram, Lab, type Program, whyNoLab } from "@cicada/natlab";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { expectations } from "./expectations.ts";

const reason = whyNoLab();
const agent = new URL("agent.mjs", import.meta.url).pathname;

/** Counts what leaves for anywhere but the home network. */
const WATCH = [
	"add table ip watch",
	"add chain ip watch out { type filter hook output priority 0; }",
	"add rule ip watch out ip daddr != { 192.168.0.0/16, 224.0.0.0/4, 127.0.0.0/8 } counter",
].join("; ");

const SITES = 10;
vi.setConfig({ maxConcurrency: SITES });

/** The longest that anything may take, in milliseconds; with a margin for a busy machine. */
const LIMIT = 9_500;

test("at least 25 behaviours, and every one is met", () => {
	expect(Object.keys(expectations).toSorted()).toEqual(Object.keys(behaviours).toSorted());
	expect(Object.keys(behaviours).length).toBeGreaterThanOrEqual(25);
});

describe.skipIf(reason !== undefined)(`in a lab${reason ? ` (skipped: ${reason})` : ""}`, () => {
	let lab: Lab;
	const free: { readonly home: Lab["home"]; readonly router: Program }[] = [];

	beforeAll(async () => {
		lab = await Lab.create(Array.from({ length: SITES }, () => ({ daemon: false })));
		for (const home of lab.homes) {
			const other = home.router.address.replace(/1$/, "250");
			await home.router.ip(`addr add ${other}/24 dev lan`);
			const { stderr } = await home.client.run("nft", WATCH);
			if (stderr !== "") throw new Error(stderr);
			free.push({ home, router: home.router.program(hostileProgram, home.router.address, other) });
		}
	}, 60_000);

	afterAll(async () => {
		await Promise.all(free.map(({ router }) => router.end()));
		await lab?.close();
	});

	test.concurrent.for(Object.entries(expectations))(
		"%s",
		async ([name, { ask, ends, externalPort = 7000 }], { expect }) => {
			// As many tests run at once as there are sites.
			const site = free.pop();
			if (site === undefined) throw new Error("no site is free");
			const { home, router } = site;
			await router.call("behave", name);
			const client = home.client.program(agent);
			try {
				await client.call("occupy", 5350);
				const started = performance.now();
				const mapping = client.call("map", ask, 7000);
				if (ends === "mapped") {
					await expect(mapping).resolves.toMatchObject({
						externalPort,
						externalIp: "198.51.101.1",
					});
				} else {
					await expect(mapping).rejects.toMatchObject({
						code: ends,
						told: { name: "TraversalError" },
					});
				}
				expect(performance.now() - started).toBeLessThan(LIMIT);

				await client.call("on", "mapped", "close");
				expect(await router.call("table")).toEqual([]);
				// What is left is the port 5350 that was taken on purpose.
				expect(await client.call("handles")).toEqual(["UDPWrap"]);
				await client.call("release");
				expect(await client.end()).toBe(0);
				expect(client.stderr).toBe("");
				const { stdout } = await home.client.run("nft", "list", "table", "ip", "watch");
				expect(stdout).toContain("counter packets 0 bytes 0");
			} finally {
				await client.kill();
				free.push(site);
			}
		},
	);
});
