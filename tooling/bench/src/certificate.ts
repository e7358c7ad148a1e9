import { readFileSync } from "node:fs";

const read = (name: string): string =>
	readFileSync(new URL(`../fixtures/${name}.pem`, import.meta.url), "utf8");

/** What both ends of a connection with TLS are told, each of which asks for the other's certificate. */
export interface MutualTls {
	readonly key: string;
	readonly cert: string;
	readonly ca: string;
	readonly servername: string;
	readonly requestCert: true;
	readonly rejectUnauthorized: true;
}

/** One certificate for both ends: made by `openssl req -x509 -newkey ed25519`, and for this alone. */
export function mutual(): MutualTls {
	const cert = read("certificate");
	const both = { key: read("key"), cert, ca: cert, servername: "localhost" };
	return { ...both, requestCert: true, rejectUnauthorized: true };
}
