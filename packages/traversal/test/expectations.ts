import type { TraversalErrorCode } from "../src/index.ts";

/** What comes of a behaviour of the scripted router: who is asked, and how it ends. */
export interface Expectation {
	/** `PortMapping` asks both. */
	readonly ask: "UPnP" | "NAT-PMP" | "PortMapping";
	readonly ends: "mapped" | TraversalErrorCode;
	readonly externalPort?: number;
}

const upnp = (ends: Expectation["ends"], externalPort?: number): Expectation => ({
	ask: "UPnP",
	ends,
	...(externalPort !== undefined && { externalPort }),
});
const pmp = (ends: Expectation["ends"]): Expectation => ({ ask: "NAT-PMP", ends });
const both = (ends: Expectation["ends"], externalPort?: number): Expectation => ({
	ask: "PortMapping",
	ends,
	...(externalPort !== undefined && { externalPort }),
});

/** By the behaviour's name; the local port is 7000. */
export const expectations: Readonly<Record<string, Expectation>> = {
	"HTTP silence": upnp("NO_ANSWER"),
	"HTTP trickle": upnp("NO_ANSWER"),
	"UPnP silent, NAT-PMP as it should be": both("mapped"),
	"every port in conflict": both("PORT_TAKEN"),
	"HTTP endless": upnp("MALFORMED"),
	"HTTP reset": upnp("NO_ANSWER"),
	"HTTP is no HTTP": upnp("NO_ANSWER"),
	"HTTP provisional for ever": upnp("NO_ANSWER"),
	"HTTP head too long": upnp("NO_ANSWER"),
	"HTTP cut short": upnp("NO_ANSWER"),
	"HTTP not found": upnp("MALFORMED"),
	"redirect off the network": upnp("MALFORMED"),
	"description is HTML": upnp("MALFORMED"),
	"description is empty": upnp("MALFORMED"),
	"description of something else": upnp("MALFORMED"),
	"description without services": upnp("UNSUPPORTED"),
	"description of a printer": upnp("UNSUPPORTED"),
	"XML unbalanced": upnp("MALFORMED"),
	"XML entity bomb": upnp("MALFORMED"),
	"XML external entity": upnp("MALFORMED"),
	"XML too deep": upnp("MALFORMED"),
	"LOCATION on another host": upnp("MALFORMED"),
	"LOCATION off the network": upnp("MALFORMED"),
	"LOCATION by name": upnp("MALFORMED"),
	"LOCATION of a file": upnp("MALFORMED"),
	"LOCATION is no URL": upnp("MALFORMED"),
	"LOCATION over https": upnp("MALFORMED"),
	"LOCATION first of nonsense, then right": upnp("mapped"),
	"LOCATIONs without number": upnp("mapped"),
	"control URL on another host": upnp("MALFORMED"),
	"URLBase on another host": upnp("MALFORMED"),
	"SSDP slow": upnp("mapped"),
	"SSDP garbage before the answer": upnp("mapped"),
	"UPnP as it should be": upnp("mapped"),
	"first service is dead": upnp("mapped"),
	"SOAP answers in HTML": upnp("MALFORMED"),
	"SOAP answers nothing": upnp("MALFORMED"),
	"SOAP fails without a word": upnp("REFUSED"),
	"SOAP fault without a code": upnp("MALFORMED"),
	"SOAP answers another action": upnp("MALFORMED"),
	"external address is private": upnp("DOUBLE_NAT"),
	"external address is nonsense": upnp("DOUBLE_NAT"),
	"mapping not authorized": upnp("REFUSED"),
	"permanent leases only": upnp("mapped"),
	"permanent, and removed at the third try only": upnp("mapped"),
	"one port in conflict with other mechanisms": both("mapped", 7001),
	"another's mapping would be overwritten": both("mapped", 7001),
	"says yes, does nothing": upnp("REFUSED"),
	"endless table": upnp("mapped"),
	"table of nonsense": upnp("mapped"),
	"NAT-PMP as it should be": pmp("mapped"),
	"NAT-PMP silence": pmp("NO_GATEWAY"),
	"NAT-PMP one byte": pmp("mapped"),
	"NAT-PMP too short": pmp("NO_GATEWAY"),
	"NAT-PMP too long": pmp("NO_GATEWAY"),
	"NAT-PMP from another port": pmp("NO_GATEWAY"),
	"NAT-PMP from another host": pmp("NO_GATEWAY"),
	"NAT-PMP forged before the true answer": pmp("mapped"),
	"NAT-PMP first two lost": pmp("mapped"),
	"NAT-PMP slow": pmp("mapped"),
	"NAT-PMP repeated": pmp("mapped"),
	"NAT-PMP of another version": pmp("UNSUPPORTED"),
	"NAT-PMP of another operation": pmp("NO_GATEWAY"),
	"NAT-PMP of another port": pmp("NO_ANSWER"),
	"NAT-PMP without a port": pmp("MALFORMED"),
	"NAT-PMP version not supported": pmp("UNSUPPORTED"),
	"NAT-PMP not authorized": pmp("REFUSED"),
	"NAT-PMP network failure": pmp("DOUBLE_NAT"),
	"NAT-PMP out of resources": pmp("REFUSED"),
	"NAT-PMP unknown error": pmp("REFUSED"),
};
