import type { World } from "../ports.ts";
import { addresses, addressTowards } from "./addresses.ts";
import { beforeExit } from "./before-exit.ts";
import { systemClock } from "./clock.ts";
import { defaultRoutes } from "./default-routes.ts";
import { http } from "./http.ts";
import { ask } from "./nat-pmp.ts";
import { call, search } from "./nat-upnp.ts";
import { owner } from "./owner.ts";

/** This machine and its network. */
export const system: World = {
	clock: systemClock,
	owner,
	addresses,
	addressTowards,
	defaultRoutes,
	search: (from, targets, found, signal) => {
		search(from, targets, found, signal);
	},
	get: (request, signal) => {
		const headers = { Connection: "close", Accept: "text/xml" };
		return http(request, { method: "GET", headers, body: "" }, signal);
	},
	call,
	ask,
	beforeExit,
};
