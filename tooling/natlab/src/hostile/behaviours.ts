import type { ServerResponse } from "node:http";

import {
	type Answer,
	answerCall,
	answerPmp,
	type Call,
	description,
	fault,
	type Row,
	service,
	type State,
	success,
} from "./honest.ts";

/** Sends a datagram: from the port that was asked, from another port, or from another host. */
type Send = (datagram: Uint8Array, from?: "other port" | "other host") => void;

/** What a router does differently from an honest one. What isn't there is off. */
export interface Behaviour {
	/** LOCATIONs to answer a search with, after a number of milliseconds; raw text where it is no LOCATION. */
	readonly ssdp?: (state: State) => {
		readonly delay?: number;
		readonly locations?: readonly string[];
		readonly raw?: readonly string[];
	};
	/** The answer to a request for the description: a text, or what it does to the connection. */
	readonly describe?: (state: State) => string | ((response: ServerResponse) => void);
	readonly call?: (state: State, call: Call, count: number) => Answer;
	/** `count` is the number of the datagram, from 1. */
	readonly pmp?: (state: State, request: Uint8Array, send: Send, count: number) => void;
}

const location = ({ host, httpPort }: State): string =>
	`http://${host}:${httpPort}/description.xml`;

/** A router with UPnP. */
const upnp: Behaviour = {
	ssdp: (state) => ({ locations: [location(state)] }),
	describe: () => description(),
	call: answerCall,
};

const described = (describe: Behaviour["describe"]): Behaviour => ({
	...upnp,
	...(describe && { describe }),
});
const called = (call: NonNullable<Behaviour["call"]>): Behaviour => ({ ...upnp, call });
const located = (...locations: readonly ((state: State) => string)[]): Behaviour => ({
	...upnp,
	ssdp: (state) => ({ locations: locations.map((at) => at(state)) }),
});
/** Does an action differently from an honest router. */
const acting = (
	name: string,
	answer: (state: State, call: Call, count: number) => Answer,
): Behaviour => {
	let times = 0;
	return called((state, call) => {
		if (call.action !== name) return answerCall(state, call);
		times++;
		return answer(state, call, times);
	});
};
const pmp = (answer: NonNullable<Behaviour["pmp"]>): Behaviour => ({ pmp: answer });
/** Changes the honest answer over NAT-PMP. */
const altered = (change: (answer: Uint8Array, view: DataView) => Uint8Array): Behaviour =>
	pmp((state, request, send) => {
		const answer = answerPmp(state, request, 1_000);
		if (answer !== undefined) send(change(answer, new DataView(answer.buffer)));
	});
const refusing = (code: number): Behaviour =>
	altered((answer, view) => {
		view.setUint16(2, code);
		return answer.slice(0, 12);
	});
const honestPmp: NonNullable<Behaviour["pmp"]> = (state, request, send) => {
	const answer = answerPmp(state, request, 1_000);
	if (answer !== undefined) send(answer);
};

/** Sends something again and again, until the other end has gone. */
const forever = (response: ServerResponse, delay: number, what: () => void): void => {
	const timer = setInterval(what, delay);
	response.on("close", () => {
		clearInterval(timer);
	});
};

/** A mapping of another machine's. */
export const THEIRS: Row = {
	protocol: "TCP",
	externalPort: "7000",
	client: "192.168.77.99",
	port: "7000",
	description: "theirs",
	lease: "0",
};

const OUTSIDE = "203.0.113.80";

/** What routers were seen to do, and what somebody in the home network might. By name, each made anew for each use. */
export const behaviours: Readonly<Record<string, () => Behaviour>> = {
	"UPnP as it should be": () => upnp,
	"NAT-PMP as it should be": () => pmp(honestPmp),
	"HTTP silence": () => described(() => () => {}),
	"HTTP trickle": () =>
		described(() => (response) => {
			response.writeHead(200);
			forever(response, 50, () => response.write(" "));
		}),
	"HTTP endless": () =>
		described(() => (response) => {
			response.writeHead(200);
			forever(response, 1, () => response.write("<a>".repeat(10_000)));
		}),
	"HTTP reset": () => described(() => (response) => response.socket?.resetAndDestroy()),
	"HTTP is no HTTP": () =>
		described(() => (response) => response.socket?.end("SSH-2.0-OpenSSH\r\n")),
	"HTTP provisional for ever": () =>
		described(() => (response) => {
			forever(response, 5, () => response.socket?.write("HTTP/1.1 102 Processing\r\n\r\n"));
		}),
	"HTTP head too long": () =>
		described(
			() => (response) =>
				response.socket?.end(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}\r\n\r\n`),
		),
	"HTTP cut short": () =>
		described(() => (response) => {
			response.writeHead(200, { "Content-Length": 5_000 });
			response.write("<root>", () => response.socket?.destroy());
		}),
	"HTTP not found": () =>
		described(() => (response) => {
			response.writeHead(404).end();
		}),
	"redirect off the network": () =>
		described(() => (response) => {
			response.writeHead(302, { Location: `http://${OUTSIDE}/description.xml` }).end();
		}),
	"description is HTML": () =>
		described(() => "<html><head><title>Login</title><body><p>Hello<br></body></html>"),
	"description is empty": () => described(() => ""),
	"description of something else": () => described(() => "<root><spec>1</spec></root>"),
	"description without services": () => described(() => description("")),
	"description of a printer": () =>
		described(() => description(service("/control", "urn:schemas-upnp-org:service:PrintBasic:1"))),
	"XML unbalanced": () => described(() => "<root><device></root></device>"),
	"XML entity bomb": () =>
		described(
			() =>
				`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>${description("&b;")}`,
		),
	"XML external entity": () =>
		described(() => `<!DOCTYPE a [<!ENTITY x SYSTEM "http://${OUTSIDE}/x">]>${description("&x;")}`),
	"XML too deep": () => described(() => "<a>".repeat(5_000) + "</a>".repeat(5_000)),
	"LOCATION on another host": () =>
		located(({ httpPort }) => `http://192.168.77.9:${httpPort}/description.xml`),
	"LOCATION off the network": () => located(() => `http://${OUTSIDE}/description.xml`),
	"LOCATION by name": () => located(() => "http://router.example/description.xml"),
	"LOCATION of a file": () => located(() => "file:///etc/passwd"),
	"LOCATION is no URL": () => located(() => "::::"),
	"LOCATION over https": () => located(({ host }) => `https://${host}/description.xml`),
	"LOCATION first of nonsense, then right": () => located(() => "::::", location),
	"LOCATIONs without number": () =>
		located(
			...Array.from(
				{ length: 50 },
				(_, number) => (state: State) => `${location(state)}?${number}`,
			),
		),
	"control URL on another host": () =>
		described(() => description(service(`http://${OUTSIDE}/control`))),
	"URLBase on another host": () =>
		described(() => description(service("/control"), `<URLBase>http://${OUTSIDE}/</URLBase>`)),
	"SSDP slow": () => ({
		...upnp,
		ssdp: (state) => ({ delay: 950, locations: [location(state)] }),
	}),
	"SSDP garbage before the answer": () => ({
		...upnp,
		ssdp: (state) => ({
			raw: [
				"",
				"\0",
				"HTTP",
				"HTTP/1.1 200 OK\r\n\r\n",
				"x".repeat(8_000),
				`HTTP ${" ".repeat(60_000)}`,
			],
			locations: [location(state)],
			delay: 100,
		}),
	}),
	"first service is dead": () => ({
		...described(() => description(service("/dead") + service("/control"))),
		call: (state, call) => {
			if (call.path !== "/dead") return answerCall(state, call);
			if (call.action === "GetStatusInfo")
				return success(call.action, { NewConnectionStatus: "Disconnected" });
			return answerCall({ ...state, externalIp: "" }, call);
		},
	}),
	"SOAP answers in HTML": () => called(() => ({ status: 200, body: "<html><br></html>" })),
	"SOAP answers nothing": () => called(() => ({ status: 200, body: "" })),
	"SOAP fails without a word": () => called(() => ({ status: 500, body: "" })),
	"SOAP fault without a code": () => called(() => fault("")),
	"SOAP answers another action": () => called((_, { action }) => success(`${action}s`)),
	"external address is private": () =>
		acting("GetExternalIPAddress", (_, { action }) =>
			success(action, { NewExternalIPAddress: "192.168.1.7" }),
		),
	"external address is nonsense": () =>
		acting("GetExternalIPAddress", (_, { action }) =>
			success(action, { NewExternalIPAddress: "1.2.3" }),
		),
	"mapping not authorized": () => acting("AddPortMapping", () => fault(606)),
	"permanent leases only": () =>
		acting("AddPortMapping", (state, call) =>
			call.args["NewLeaseDuration"] === "0" ? answerCall(state, call) : fault(725),
		),
	"permanent, and removed at the third try only": () => ({
		...acting("DeletePortMapping", (state, call, count) =>
			count < 3 ? fault(501) : answerCall(state, call),
		),
	}),
	"every port in conflict": () => acting("AddPortMapping", () => fault(718)),
	"one port in conflict with other mechanisms": () =>
		acting("AddPortMapping", (state, call, count) =>
			count === 1 ? fault(729) : answerCall(state, call),
		),
	"another's mapping would be overwritten": () => {
		let seeded = false;
		return called((state, call) => {
			const key = "TCP 7000";
			if (!seeded) state.table.set(key, THEIRS);
			seeded = true;
			if (call.action === "AddPortMapping")
				state.table.delete(`TCP ${call.args["NewExternalPort"]}`);
			return answerCall(state, call);
		});
	},
	"says yes, does nothing": () => acting("AddPortMapping", (_, { action }) => success(action)),
	"endless table": () =>
		acting("GetGenericPortMappingEntry", (_, { action }) =>
			success(action, {
				NewExternalPort: "9",
				NewProtocol: "TCP",
				NewInternalPort: "9",
				NewInternalClient: "192.168.77.2",
				NewPortMappingDescription: "x",
				NewLeaseDuration: "0",
			}),
		),
	"table of nonsense": () =>
		acting("GetSpecificPortMappingEntry", (_, { action }) =>
			success(action, { NewInternalPort: "99999", NewLeaseDuration: "x" }),
		),
	"NAT-PMP silence": () => pmp(() => {}),
	"NAT-PMP one byte": () =>
		pmp((state, request, send) => {
			send(Uint8Array.of(0));
			send(new Uint8Array());
			honestPmp(state, request, send, 0);
		}),
	"NAT-PMP too short": () => altered((answer) => answer.slice(0, -1)),
	"NAT-PMP too long": () => altered((answer) => Uint8Array.from([...answer, 0])),
	"NAT-PMP from another port": () =>
		pmp((state, request, send) => {
			honestPmp(state, request, (answer) => send(answer, "other port"), 0);
		}),
	"NAT-PMP from another host": () =>
		pmp((state, request, send) => {
			honestPmp(state, request, (answer) => send(answer, "other host"), 0);
		}),
	"NAT-PMP forged before the true answer": () =>
		pmp((state, request, send) => {
			const forged = { ...state, externalIp: "198.51.102.66", table: new Map() };
			honestPmp(forged, request, (answer) => send(answer, "other port"), 0);
			honestPmp(forged, request, (answer) => send(answer, "other host"), 0);
			setTimeout(() => {
				honestPmp(state, request, send, 0);
			}, 50);
		}),
	"NAT-PMP first two lost": () =>
		pmp((state, request, send, count) => {
			if (count > 2) honestPmp(state, request, send, count);
		}),
	"NAT-PMP slow": () =>
		pmp((state, request, send, count) => {
			setTimeout(honestPmp, 600, state, request, send, count);
		}),
	"NAT-PMP repeated": () =>
		pmp((state, request, send, count) => {
			for (let times = 0; times < 5; times++) honestPmp(state, request, send, count);
		}),
	"NAT-PMP of another version": () =>
		altered((answer) => {
			answer[0] = 2;
			return answer;
		}),
	"NAT-PMP of another operation": () =>
		altered((answer) => {
			answer[1] = 130;
			return answer;
		}),
	"NAT-PMP of another port": () =>
		altered((answer, view) => {
			if (answer.length === 16) view.setUint16(8, 1);
			return answer;
		}),
	"NAT-PMP without a port": () =>
		altered((answer, view) => {
			if (answer.length === 16) view.setUint16(10, 0);
			return answer;
		}),
	"NAT-PMP version not supported": () => refusing(1),
	"NAT-PMP not authorized": () => refusing(2),
	"NAT-PMP network failure": () => refusing(3),
	"NAT-PMP out of resources": () => refusing(4),
	"NAT-PMP unknown error": () => refusing(77),
	"UPnP silent, NAT-PMP as it should be": () => ({ ...described(() => () => {}), pmp: honestPmp }),
};
