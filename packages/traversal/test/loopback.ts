import type { HostileRouter } from "@cicada/natlab";

import type { search } from "../src/node/nat-upnp.ts";
import type { World } from "../src/ports.ts";

/** Time passes twice as fast. */
const SPEED = 2;

const ROUTER = "192.168.77.1";
const CLIENT = "192.168.77.2";
const SSDP = 11_900;

/** Runs of these tests at the same time must not meet. */
const network = `127.${10 + (process.pid % 240)}`;

/** Addresses of loopback that are this number's own, where a scripted router lives. */
export const placeOf = (
	number: number,
): { readonly host: string; readonly other: string; readonly ssdpPort: number } => ({
	host: `${network}.${number}.1`,
	other: `${network}.${number}.3`,
	ssdpPort: SSDP,
});

/** A world in which a scripted router on loopback is the router at home, at 192.168.77.1. */
export const loopback = (
	{ system, search: searchAt }: { readonly system: World; readonly search: typeof search },
	number: number,
): World => {
	const { host, ssdpPort } = placeOf(number);
	const from = `${network}.${number}.2`;
	const moved = (url: URL): URL => {
		if (url.hostname !== ROUTER) throw new Error(`a request to ${url.href}`);
		const there = new URL(url);
		there.hostname = host;
		return there;
	};
	return {
		...system,
		clock: {
			...system.clock,
			now: () => system.clock.now() * SPEED,
			schedule: (delay, run, inBackground) =>
				system.clock.schedule(delay / SPEED, run, inBackground),
		},
		addresses: () => [CLIENT],
		addressTowards: () => Promise.resolve(CLIENT),
		defaultRoutes: () => Promise.resolve([{ gateway: ROUTER, interface: "eth0" }]),
		search: (_, targets, found, signal) => {
			const heard: typeof found = ({ location, source }) => {
				found({
					location: location.replace(host, ROUTER),
					source: source === host ? ROUTER : source,
					localAddress: CLIENT,
				});
			};
			searchAt([from], targets, heard, signal, { address: host, port: ssdpPort });
		},
		get: (request, signal) =>
			system.get({ ...request, url: moved(request.url), localAddress: from }, signal),
		call: (request, signal) =>
			system.call({ ...request, url: moved(request.url), localAddress: from }, signal),
		ask: (gateway, request, signal) =>
			system.ask(gateway === ROUTER ? host : gateway, request, signal),
	};
};

/** What a router has mapped, without what differs from run to run. */
export const portsOf = (router: HostileRouter): readonly string[] =>
	router.table.map(({ externalPort, port }) => `${externalPort} ${port}`);
