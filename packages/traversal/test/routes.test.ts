import { expect, test } from "vitest";

import { defaultRoutes } from "../src/node/default-routes.ts";
import { parseNetstat, parseProcNetRoute, parseRouteGet, parseRoutePrint } from "../src/routes.ts";

test("Linux: up, with a gateway, the lowest metric first", () => {
	const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t014DA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0
eth1\t00000000\t0100000A\t0002\t0\t0\t1\t00000000\t0\t0\t0
tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0
eth0\t004DA8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
`;
	expect(parseProcNetRoute(table)).toEqual([
		{ gateway: "192.168.77.1", interface: "eth0" },
		{ gateway: "192.168.1.1", interface: "wlan0" },
	]);
	expect(parseProcNetRoute(table.replace("0101A8C0", "C0A80101"), false)).toContainEqual({
		gateway: "192.168.1.1",
		interface: "wlan0",
	});
	expect(parseProcNetRoute("")).toEqual([]);
});

test("macOS, netstat: default routes through a router, not those through a tunnel", () => {
	const table = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
default            link#22            UCSIg             bridge1      !
default            10.8.0.1           UGScIg              utun3
127                127.0.0.1          UCS                   lo0
192.168.1          link#11            UCS                   en0      !
`;
	expect(parseNetstat(table)).toEqual([
		{ gateway: "192.168.1.1", interface: "en0" },
		{ gateway: "10.8.0.1", interface: "utun3" },
	]);
});

test("FreeBSD, netstat", () => {
	const table = `Routing tables

Internet:
Destination        Gateway            Flags     Netif Expire
default            10.0.2.2           UGS         em0
10.0.2.0/24        link#1             U           em0
`;
	expect(parseNetstat(table)).toEqual([{ gateway: "10.0.2.2", interface: "em0" }]);
});

test("macOS, route: the route that is taken", () => {
	const answer = `   route to: default
destination: default
       mask: default
    gateway: 192.168.1.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
`;
	expect(parseRouteGet(answer)).toEqual([{ gateway: "192.168.1.1", interface: "en0" }]);
	expect(parseRouteGet("route: writing to routing socket: not in table")).toEqual([]);
	expect(parseRouteGet("    gateway: index: 12 utun3")).toEqual([]);
});

test("Windows, in any language, the lowest metric first", () => {
	const table = `===========================================================================
Schnittstellenliste
  7...00 15 5d 01 02 03 ......Hyper-V Virtual Ethernet Adapter
===========================================================================

IPv4-Routentabelle
===========================================================================
Aktive Routen:
     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik
          0.0.0.0          0.0.0.0      10.8.0.1         10.8.0.5     50
          0.0.0.0          0.0.0.0   192.168.178.1   192.168.178.20     25
          0.0.0.0          0.0.0.0   Auf Verbindung      10.9.0.5     35
        127.0.0.0        255.0.0.0   Auf Verbindung         127.0.0.1    331
===========================================================================
Ständige Routen:
  Netzwerkadresse          Netzmaske  Gatewayadresse  Metrik
          0.0.0.0          0.0.0.0   192.168.178.1  Standard
`.replaceAll("\n", "\r\n");
	expect(parseRoutePrint(table)).toEqual([
		{ gateway: "192.168.178.1", interface: "192.168.178.20" },
		{ gateway: "10.8.0.1", interface: "10.8.0.5" },
	]);
});

test("this machine's routes can be asked for", async () => {
	const routes = await defaultRoutes(new AbortController().signal);
	for (const { gateway } of routes) expect(gateway).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
});

test("a search that was given up ends so", async () => {
	await expect(defaultRoutes(AbortSignal.abort("why"))).rejects.toBe("why");
});
