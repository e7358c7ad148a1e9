// nat-upnp and nat-pmp do the work: without their code in the bundle, nothing is mapped.
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { HostileRouter } from "@cicada/natlab";
import { afterAll, beforeAll, expect, test } from "vitest";

import { bundle } from "../bundle.mjs";
import type * as traversal from "../src/index.ts";
import type * as natUpnp from "../src/node/nat-upnp.ts";
import type * as node from "../src/node/system.ts";
import { loopback, placeOf } from "./loopback.ts";

const home = join(import.meta.dirname, "..");
const behaviours = { UPnP: "UPnP as it should be", "NAT-PMP": "NAT-PMP as it should be" } as const;
let copies = "";

beforeAll(() => {
	copies = mkdtempSync(join(tmpdir(), "cicada-traversal-"));
});

afterAll(() => {
	rmSync(copies, { recursive: true, force: true });
});

test.skipIf(process.platform !== "linux").for([
	{ without: [], number: 101, maps: ["UPnP", "NAT-PMP"] },
	{ without: ["nat-upnp"], number: 102, maps: ["NAT-PMP"] },
	{ without: ["nat-pmp"], number: 103, maps: ["UPnP"] },
])("without $without, what maps is $maps", async ({ without, number, maps }) => {
	const copy = join(copies, String(number));
	cpSync(join(home, "dist"), join(copy, "dist"), { recursive: true });
	cpSync(join(home, "src"), join(copy, "src"), { recursive: true });
	cpSync(join(home, "package.json"), join(copy, "package.json"));
	await bundle({ outdir: join(copy, "dist/vendored"), without });
	const load = (file: string): Promise<unknown> =>
		import(/* @vite-ignore */ pathToFileURL(join(copy, "dist", file)).href);
	const { UPnP, NatPMP } = (await load("index.js")) as typeof traversal;
	const { system } = (await load("node/system.js")) as typeof node;
	const { search } = (await load("node/nat-upnp.js")) as typeof natUpnp;

	const router = await HostileRouter.create(placeOf(number));
	const world = loopback({ system, search }, number);
	const mapped: string[] = [];
	for (const mapper of [new UPnP({ world }), new NatPMP({ world })]) {
		router.behave(behaviours[mapper.name]);
		try {
			await mapper.create();
			await mapper.addPortMapping(7000, 7000);
			mapped.push(mapper.name);
		} catch {
			// That is what is to be seen.
		}
		await mapper.close();
	}
	await router.close();
	expect(mapped).toEqual(maps);
});

test("the bundle carries their licences, and nothing of request", () => {
	for (const name of Object.keys({ "nat-upnp": 1, "nat-pmp": 1 })) {
		const text = readFileSync(join(home, "dist/vendored", `${name}.cjs`), "utf8");
		expect(text).toMatch(
			/^\/\*! Parts of nat-\w+ 1\.\d\.\d.*\n[^]*Copyright[^]*WITHOUT WARRANTY[^]*\*\//,
		);
		const required = [...text.matchAll(/require\("([^"]+)"\)/g)].map(([, module]) => module);
		expect(new Set(required)).toEqual(
			new Set(
				required.filter((module) =>
					["assert", "buffer", "dgram", "events", "url", "util"].includes(module ?? ""),
				),
			),
		);
	}
});
