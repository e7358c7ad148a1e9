import { TraversalError } from "../errors.ts";
import { isHome } from "../ipv4.ts";

const refuse = (url: string, why: string): never => {
	throw new TraversalError("MALFORMED", `the address ${JSON.stringify(url.slice(0, 100))} ${why}`);
};

/**
 * A URL that a router told, if it may be followed: plain http, to the router itself, by a literal address
 * of the home network. (UPnP Device Architecture 1.1 has no such rule; without it, any machine of the
 * network could have requests sent anywhere.)
 *
 * @param host the address that the router answered from
 * @throws TraversalError `MALFORMED`
 */
export function ownUrl(text: string, host: string, base?: URL): URL {
	let url: URL;
	try {
		url = new URL(text, base);
	} catch {
		return refuse(text, "is no URL");
	}
	if (url.protocol !== "http:") return refuse(text, "is not http");
	if (url.hostname !== host) return refuse(text, `is not on the router, ${host}`);
	if (!isHome(host)) return refuse(text, "is not in a home network");
	if (url.username !== "" || url.password !== "") return refuse(text, "has a password in it");
	return url;
}
