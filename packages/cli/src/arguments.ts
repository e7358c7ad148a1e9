import type { Address } from "@cicada/swarmlib";
import { InvalidArgumentError } from "commander";

const LOWEST_PORT = 1_025;
const HIGHEST_PORT = 65_534;

/** A port to bind: 0 is any free one. @throws InvalidArgumentError */
export function portToBind(given: string): number {
	const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
	if (port === 0 || (port >= LOWEST_PORT && port <= HIGHEST_PORT)) return port;
	throw new InvalidArgumentError(
		`A port is a number from ${LOWEST_PORT} to ${HIGHEST_PORT}, or 0 for any free one.`,
	);
}

/** The address that `host:port` or `[IPv6]:port` is; `undefined` for anything else. */
export function parseAddress(given: string): Address | undefined {
	const {
		1: bracketed,
		2: plain,
		3: digits,
	} = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(given) ?? [];
	const host = bracketed ?? plain;
	const port = Number(digits);
	return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** `host:port`. @throws InvalidArgumentError */
export function addressOf(given: string): Address {
	const address = parseAddress(given);
	if (address !== undefined) return address;
	throw new InvalidArgumentError("An address is host:port, such as 192.0.2.7:17610.");
}

/** The same, of which there may be several. @throws InvalidArgumentError */
export function addAddress(given: string, before: readonly Address[] = []): readonly Address[] {
	return [...before, addressOf(given)];
}

/** Seconds, as milliseconds. @throws InvalidArgumentError */
export function milliseconds(given: string): number {
	const seconds = /^\d{1,7}(\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN;
	if (seconds > 0 && seconds <= 2_147_483) return Math.round(seconds * 1_000);
	throw new InvalidArgumentError("Give seconds, more than 0, such as 10 or 0.5.");
}

/** Takes whole numbers from `least` to `most`. */
export function whole(least: number, most: number): (given: string) => number {
	return (given) => {
		const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
		if (value >= least && value <= most) return value;
		throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
	};
}
