import { TraversalError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { within } from "../wait.ts";

/** How long one request to a router may take, in milliseconds. */
const TIME = 5_000;

/** How many bytes its answer may have. */
export const SIZE = 65_536;

/**
 * One request and its answer.
 *
 * @throws TraversalError `NO_ANSWER` when there is none within 5 s, or the connection fails; `MALFORMED` when
 *   it is too long
 */
export async function exchange<T>(
	clock: Clock,
	signal: AbortSignal,
	send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const late = (): TraversalError => new TraversalError("NO_ANSWER", "it did not answer in time");
	try {
		return await within(clock, TIME, [signal], send, late);
	} catch (error) {
		if (error instanceof TraversalError || signal.aborted) throw error;
		const why = error instanceof Error ? error.message : String(error);
		throw new TraversalError("NO_ANSWER", `it could not be asked: ${why}`, { cause: error });
	}
}
