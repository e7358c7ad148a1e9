import { TraversalError } from "../errors.ts";
import { type Element, find, parseXml, textAt } from "../xml.ts";
import { ownUrl } from "./location.ts";

/** One connection of a router to the outside: a service that maps ports. */
export interface Service {
	readonly type: string;
	readonly controlUrl: URL;
}

/** How many of a router's services are tried. */
const SERVICES = 8;

/** WANIPConnection and WANPPPConnection have the same actions; version 2 has all those of version 1. */
const TYPE = /^urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12]$/;

function* servicesBelow(device: Element): Generator<Element> {
	yield* find(device, "serviceList")?.children.filter(({ name }) => name === "service") ?? [];
	for (const child of find(device, "deviceList")?.children ?? []) {
		if (child.name === "device") yield* servicesBelow(child);
	}
}

/**
 * The services of a device that map ports (UPnP Device Architecture 1.1, section 2.3), in the order of its
 * description, each control URL once.
 *
 * @throws TraversalError `MALFORMED` when it is no description, or control URLs lead elsewhere; `UNSUPPORTED`
 *   when it has no such service
 */
export function servicesOf(description: string, location: URL): readonly Service[] {
	const root = parseXml(description);
	const device = find(root, "device");
	if (root.name !== "root" || device === undefined) {
		throw new TraversalError("MALFORMED", "its description describes no device");
	}
	const told = textAt(root, "URLBase");
	const base = told === "" ? location : ownUrl(told, location.hostname, location);
	const services = new Map<string, Service>();
	for (const service of servicesBelow(device)) {
		const type = textAt(service, "serviceType");
		const path = textAt(service, "controlURL");
		if (!TYPE.test(type) || path === "") continue;
		const controlUrl = ownUrl(path, location.hostname, base);
		if (services.size < SERVICES) services.set(`${type} ${controlUrl.href}`, { type, controlUrl });
	}
	if (services.size === 0) {
		throw new TraversalError("UNSUPPORTED", "it has no service that maps ports");
	}
	return [...services.values()];
}
