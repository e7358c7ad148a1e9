import { type Crypto, type KeyAgreement, type Random, systemCrypto } from "../src/index.ts";

/** The key pair of a secret that is the same byte 32 times: for tests that need some key, always the same. */
export const keyOf = (secret: number): KeyAgreement =>
	systemCrypto.agreement(new Uint8Array(32).fill(secret));

/** Chance that gives these bytes, whatever it is asked for. */
export const fixed = (bytes: Uint8Array): Random => ({ next: () => 0, bytes: () => bytes });

/** The system's cryptography, counting how often it does Diffie-Hellman. */
export function counting(): { crypto: Crypto; agreements: () => number } {
	let count = 0;
	const crypto: Crypto = {
		...systemCrypto,
		agreement: (secret) => {
			const pair = systemCrypto.agreement(secret);
			return {
				publicKey: pair.publicKey,
				agree: (publicKey) => {
					count++;
					return pair.agree(publicKey);
				},
			};
		},
	};
	return { crypto, agreements: () => count };
}
