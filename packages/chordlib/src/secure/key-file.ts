import { ChordError } from "../errors.ts";
import { type IdentitySecrets, KEY_LENGTH } from "./identity.ts";

/** The largest file that is read. */
export const KEY_FILE_LIMIT = 1_024;

const VERSION = 1;
const FIELDS = ["version", "signing", "exchange", "epoch"] as const;

/**
 * The text of an identity file: `{ version: 1, signing, exchange, epoch }` as JSON, the secrets in lower-case
 * hexadecimal digits.
 */
export function formatKeyFile({ signing, exchange, epoch }: IdentitySecrets): string {
	const fields = { version: VERSION, signing: hex(signing), exchange: hex(exchange), epoch };
	return `${JSON.stringify(fields, undefined, "\t")}\n`;
}

/**
 * The secrets in the text of an identity file. What is said when it is none never tells what is in it.
 * @throws ChordError `IDENTITY_FILE`
 */
export function parseKeyFile(text: string): IdentitySecrets {
	const { version, signing, exchange, epoch, ...others } = objectIn(text);
	if (version !== VERSION) {
		throw malformed(`its version is not ${VERSION}: a later program may have written it`);
	}
	const unknown = Object.keys(others).length;
	if (unknown > 0) throw malformed(`it has ${unknown} fields besides ${FIELDS.join(", ")}`);
	if (!Number.isInteger(epoch) || Number(epoch) < 1 || Number(epoch) >= 2 ** 32) {
		throw malformed("epoch is not an integer from 1 to 2^32 - 1");
	}
	return {
		signing: secretIn("signing", signing),
		exchange: secretIn("exchange", exchange),
		epoch: Number(epoch),
	};
}

function objectIn(text: string): Record<string, unknown> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		// The cause is not given: its message quotes the text, and the text is a secret.
	}
	if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
	throw malformed("it is not an object in JSON");
}

function secretIn(name: string, value: unknown): Uint8Array {
	if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
		throw malformed(`${name} is not ${2 * KEY_LENGTH} lower-case hexadecimal digits`);
	}
	return Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function malformed(why: string): ChordError {
	return new ChordError("IDENTITY_FILE", `not an identity file: ${why}`);
}
