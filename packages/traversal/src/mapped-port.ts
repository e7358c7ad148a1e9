import { TraversalError } from "./errors.ts";

/** A port of the router that leads to one of this machine. */
export interface MappedPort {
	/** TCP or UDP. */
	readonly protocol: "tcp" | "udp";
	/** The port of this machine. */
	readonly localPort: number;
	/** The port of the router. */
	readonly externalPort: number;
	/** When it ends unless it is renewed, which it is; undefined where the router knows no end. */
	readonly expires: Date | undefined;
}

/** What a mapper, or a mapping, tells while it lasts. */
export interface MappingEvents {
	/** The lease was renewed, or a lost mapping made anew. */
	renewed: MappedPort;
	/** The world outside sees another port or address now. */
	moved: { readonly mapping: MappedPort; readonly externalIp: string };
	/** The mapping could not be renewed. It is tried again until it is closed. */
	lost: { readonly mapping: MappedPort; readonly error: TraversalError };
	/** A listener threw. */
	error: unknown;
}

/** The most that IGD:2 allows, in seconds: a week. */
const LONGEST = 604_800;

const integer = (name: string, value: number, least: number, most: number): void => {
	if (!Number.isInteger(value) || value < least || value > most) {
		throw new TraversalError(
			"INVALID_ARGUMENT",
			`${name} must be an integer from ${least} to ${most}`,
		);
	}
};

/** @throws TraversalError `INVALID_ARGUMENT` */
export function checkPort(name: string, port: number): void {
	integer(name, port, 1, 65_535);
}

/** @throws TraversalError `INVALID_ARGUMENT` */
export function checkProtocol(protocol: string): void {
	if (protocol !== "tcp" && protocol !== "udp") {
		throw new TraversalError("INVALID_ARGUMENT", "protocol must be tcp or udp");
	}
}

/** @throws TraversalError `INVALID_ARGUMENT` */
export function checkLifetime(lifetime: number): void {
	integer("lifetime (seconds)", lifetime, 1, LONGEST);
}

/** @throws TraversalError `INVALID_ARGUMENT` */
export function checkAttempts(attempts: number): void {
	integer("attempts", attempts, 1, 1_000);
}

/** The external ports to try, beginning with one. */
export function portsFrom(port: number, attempts: number): readonly number[] {
	const lowest = 1_024;
	return Array.from({ length: attempts }, (_, step) => {
		const next = port + step;
		return next <= 65_535 ? next : lowest + (next - 65_536);
	});
}
