import { TraversalError } from "../errors.ts";
import type { HttpReply } from "../ports.ts";
import { type Element, find, parseXml, textAt } from "../xml.ts";

/** A router's refusal, with the error code of its service (WANIPConnection:1, section 2.4). */
export class Fault extends TraversalError {
	/** The UPnP error code: 718, 725, … or the HTTP status when it gave none. */
	readonly fault: number;

	constructor(fault: number, message: string) {
		super("REFUSED", message);
		this.fault = fault;
	}
}

/**
 * The answer to a SOAP action (UPnP Device Architecture 1.1, section 3.1): the element that holds its arguments.
 *
 * @throws TraversalError `MALFORMED`, or a {@link Fault}
 */
export function answerTo(action: string, { status, body }: HttpReply): Element {
	if (status !== 200 && body.trim() === "") {
		throw new Fault(status, `it answered ${action} with HTTP status ${status}`);
	}
	const envelope = parseXml(body);
	const content = envelope.name === "Envelope" ? find(envelope, "Body") : undefined;
	const fault = content && find(content, "Fault");
	if (fault !== undefined) {
		const code = textAt(fault, "detail", "UPnPError", "errorCode");
		if (!/^\d{3}$/.test(code)) throw new TraversalError("MALFORMED", "its fault has no error code");
		const why = textAt(fault, "detail", "UPnPError", "errorDescription").slice(0, 100);
		throw new Fault(Number(code), `it answered ${action} with error ${code} ${why}`.trimEnd());
	}
	const answer = content && find(content, `${action}Response`);
	if (status !== 200 || answer === undefined) {
		throw new TraversalError("MALFORMED", `it answered ${action} with no ${action}Response`);
	}
	return answer;
}
