import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";

/** This machine's IPv4 addresses, but for loopback. */
export function addresses(): readonly string[] {
	return Object.values(networkInterfaces())
		.flat()
		.filter((found) => found !== undefined)
		.filter(({ family, internal }) => family === "IPv4" && !internal)
		.map(({ address }) => address);
}

/** Connecting a UDP socket sends nothing: it asks the kernel which interface leads there. */
export function addressTowards(host: string): Promise<string | undefined> {
	return new Promise((resolve) => {
		const socket = createSocket("udp4");
		const answer = (address: string | undefined): void => {
			socket.close();
			resolve(address);
		};
		// Node calls this too when it failed, where the types say that it does not.
		socket.connect(9, host, (error?: Error) => {
			answer(error ? undefined : socket.address().address);
		});
	});
}
