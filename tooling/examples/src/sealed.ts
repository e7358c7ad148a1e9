import { Handshake, type KeyAgreement, systemCrypto, systemRandom } from "@cicada/chordlib";

const createKey = (): KeyAgreement => systemCrypto.agreement(systemRandom.bytes(32));
const [aliceKey, bobKey] = [createKey(), createKey()];

// Alice knows Bob's public key; he learns hers. The first message could be replayed: say nothing in it.
const ports = { pattern: "IK", crypto: systemCrypto, random: systemRandom } as const;
const alice = new Handshake({
	...ports,
	initiator: true,
	staticKey: aliceKey,
	remoteStatic: bobKey.publicKey,
});
const bob = new Handshake({ ...ports, initiator: false, staticKey: bobKey });
bob.read(alice.write());
alice.read(bob.write());

const { send } = alice.split();
const { receive } = bob.split();

// Each message has a number of its own, which goes beside it, never one twice.
const sealed = send.encryptAt(7, new TextEncoder().encode("meet me at noon"));
console.log(sealed.length); // 31
console.log(new TextDecoder().decode(receive.decryptAt(7, sealed))); // meet me at noon
