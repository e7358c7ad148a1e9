import { type Address, canonicalAddress } from "./address.ts";
import type { Connections } from "./connections.ts";
import type { Contact } from "./contact.ts";
import type { Core, Ports } from "./core.ts";
import { ChordError } from "./errors.ts";
import { resolveHost } from "./listening.ts";
import type { Transport } from "./ports.ts";
import type { Answer, Cancel } from "./protocol.ts";

/**
 * Meets the first of `remotes` that answers, and has the node join its ring: as a member, as a leaf that is attached, or
 * by merging its own ring with that one.
 */
export function joinThrough(
	{ connections, ring }: Core,
	{ clock, transport }: Pick<Ports, "clock" | "transport">,
	remotes: readonly Address[],
	way: "join" | "attach" | "merge",
	budget: number,
	done: Answer<void>,
): Cancel {
	const deadline = clock.now() + budget;
	let cancel = meet(connections, transport, remotes, (error, contact) => {
		const left = Math.max(1, deadline - clock.now());
		if (contact === undefined) done(error);
		else if (way === "attach") cancel = ring.attaching.attach([contact], left, done);
		else if (way === "merge") cancel = ring.merging.mergeWith(contact, done);
		else cancel = ring.joining.join([contact], left, done);
	});
	return () => {
		cancel();
	};
}

/** Opens a link to the first of several addresses that answers. */
function meet(
	connections: Connections,
	transport: Transport,
	remotes: readonly Address[],
	done: Answer<Contact>,
): Cancel {
	const errors: ChordError[] = [];
	const cancels: Cancel[] = [];
	let over = false;
	const stop = (): void => {
		over = true;
		for (const cancel of cancels) cancel();
	};
	const settle: Answer<Contact> = (error, contact) => {
		if (over) return;
		if (error !== undefined) errors.push(error);
		if (contact === undefined && errors.length < remotes.length) return;
		stop();
		done(contact === undefined ? firstOf(errors) : undefined, contact);
	};
	for (const remote of remotes) {
		resolveHost(transport, remote.host)
			.then((host) => {
				if (over) return;
				const address = canonicalAddress({ host, port: remote.port });
				const cancel = connections.openAddress(address, (error, connection) => {
					settle(error, connection?.contact);
				});
				cancels.push(cancel);
			})
			.catch((error: unknown) => {
				settle(error as ChordError);
			});
	}
	return stop;
}

/** One error for several addresses of which none answered. */
function firstOf(errors: readonly ChordError[]): ChordError {
	const [first] = errors;
	if (first !== undefined && errors.length === 1) return first;
	const alike = errors.every((error) => error.code === first?.code);
	// That there is somebody who would have this node as a leaf matters more than who is gone.
	const turnedAway = errors.find((error) => error.code === "NOT_DIALABLE");
	const code = alike ? first?.code : turnedAway?.code;
	return new ChordError(code ?? "UNREACHABLE", errors.map(({ message }) => message).join("; "), {
		cause: new AggregateError(errors),
	});
}
