import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

import { Lab, until, whyNoLab } from "../dist/index.js";

const reason = whyNoLab();
const skipped = reason === undefined ? "" : ` (skipped: ${reason})`;

const namespacesOf = (pid: number | undefined): readonly string[] =>
	existsSync("/run/netns")
		? readdirSync("/run/netns").filter((name) => name.startsWith(`natlab-${pid}-`))
		: [];

test.skipIf(reason !== undefined)(`two labs at once, each with its own${skipped}`, async () => {
	const [one, two] = await Promise.all([Lab.create(), Lab.create()]);
	expect(namespacesOf(process.pid)).toHaveLength(6);
	await one.home.client.run("upnpc", "-a", one.home.client.address, "7000", "7000", "TCP");
	expect(await one.home.router.forwarded()).toEqual(["tcp 7000 192.168.77.2:7000"]);
	expect(await two.home.router.forwarded()).toEqual([]);
	await Promise.all([one.close(), two.close()]);
	expect(namespacesOf(process.pid)).toEqual([]);
});

test.skipIf(reason !== undefined)(`nothing of it can reach this machine${skipped}`, async () => {
	const lab = await Lab.create();
	const { stdout } = await lab.outside.run("ip", "-4", "route");
	expect(stdout).not.toContain("default");
	await lab.close();
});

test.skipIf(reason !== undefined)(
	`a lab is taken down when who made it is killed${skipped}`,
	async () => {
		const program = `
			import { Lab } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
			await Lab.create();
			console.log("up");
			setInterval(() => {}, 1000);
		`;
		const maker = spawn(process.execPath, ["--input-type=module", "--eval", program], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		await once(maker.stdout, "data");
		expect(namespacesOf(maker.pid)).toHaveLength(3);
		maker.kill("SIGKILL");
		await until("its namespaces are gone", () =>
			Promise.resolve(namespacesOf(maker.pid).length === 0 ? true : undefined),
		);
	},
);
