import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";

/**
 * What to bind for what was named: an interface's address (IPv4 where it has one), else the address or host name
 * itself.
 */
export function addressToBind(
	name: string,
	interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): string {
	const addresses = interfaces[name] ?? [];
	const chosen = addresses.find(({ family }) => family === "IPv4") ?? addresses[0];
	return chosen?.address ?? name;
}

/** Whether only this machine can reach what listens there, so that no router need be asked. */
export function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || host.startsWith("127.");
}
