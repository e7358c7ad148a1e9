import { ChordError, LocalNode } from "@cicada/chordlib";

// 32 bytes that only members know. Make them once, with crypto.getRandomValues, and keep them safe.
const secret = new Uint8Array(32).fill(1);
const next = new Uint8Array(32).fill(2);

const start = (name: string, known: Uint8Array): Promise<LocalNode> =>
	new LocalNode(
		name,
		{ host: "127.0.0.1", port: 0 },
		{ network: { id: "library", secret: known } },
	).listen();

const [first, second] = [await start("first", secret), await start("second", secret)];
await second.joinRing(first.address);

// Who does not know it is refused before he costs anything.
const stranger = await start("stranger", next);
const refused: unknown = await stranger.joinRing(first.address).catch((error: unknown) => error);
console.log(refused instanceof ChordError && refused.code); // INCOMPATIBLE

// To change it while the ring runs: all accept both, then all dial with the new one, then forget the old.
const members = [first, second];
for (const known of [[secret, next], [next, secret], next]) {
	for (const member of members) await member.changeSecret(known);
}
await stranger.joinRing(first.address);
console.log(stranger.standing); // member

await Promise.all([first.close(), second.close(), stranger.close()]);
