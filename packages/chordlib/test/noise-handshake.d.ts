/** The part of npm's `noise-handshake` that the tests use; it brings no types. */
declare module "noise-handshake" {
	export interface KeyPair {
		readonly publicKey: Uint8Array;
		readonly secretKey: Uint8Array;
	}
	export default class NoiseState {
		constructor(
			pattern: string,
			initiator: boolean,
			staticKey?: KeyPair,
			options?: { psk?: Uint8Array },
		);
		readonly s: KeyPair;
		readonly rs: Uint8Array;
		readonly hash: Uint8Array;
		readonly complete: boolean;
		/** The keys of what is sent and received after the handshake. */
		readonly tx: Uint8Array;
		readonly rx: Uint8Array;
		initialise(prologue: Uint8Array, remoteStatic?: Uint8Array): void;
		send(payload?: Uint8Array): Uint8Array;
		recv(message: Uint8Array): Uint8Array;
	}
}
declare module "noise-handshake/cipher.js" {
	export default class Cipher {
		constructor(key: Uint8Array);
		encrypt(plaintext: Uint8Array): Uint8Array;
		decrypt(sealed: Uint8Array): Uint8Array;
	}
}
