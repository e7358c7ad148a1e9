// A message type of one's own, with a codec of one's own, routed towards a key.
import {
	type Codec,
	defineNotice,
	formatAddress,
	Hash,
	list,
	LocalNode,
	struct,
	text,
	u48,
} from "@cicada/chordlib";

// #region type
/** A moment, in 48 bits: a codec is how a value is written, and how it is read. */
const moment: Codec<Date> = {
	write: (writer, value) => u48.write(writer, value.getTime()),
	read: (reader) => new Date(u48.read(reader)),
};

/** Every length has a bound: what is longer is refused, not stored. */
const reading = defineNotice(
	"example.org/weather/1/reading",
	struct({ at: moment, station: text(50), degrees: list(u48, 24) }),
);
// #endregion

const listen = async (): Promise<LocalNode> =>
	new LocalNode(formatAddress, { host: "127.0.0.1", port: 0 }).listen();
const nodes = [await listen(), await listen(), await listen()] as const;
const [first, second, third] = nodes;
await second.joinRing(first.address);
await third.joinRing(first.address);

// #region route
// Whoever owns the key hears of it; nodes between only pass it on.
const arrived = new Promise<string>((resolve) => {
	for (const node of nodes) {
		node.handleRouted(reading, ({ at, station, degrees }, { target }) => {
			const key = target.toString().slice(0, 8);
			resolve(`${key}: ${station} at ${at.toISOString()}: ${degrees.join(", ")}`);
		});
	}
});

const key = new Hash({ value: "Oslo" });
const value = { at: new Date(0), station: "Oslo", degrees: [4, 5, 7] };
first.route(key, reading, value);
console.log(await arrived);
// #endregion

await Promise.all(nodes.map((node) => node.close()));
