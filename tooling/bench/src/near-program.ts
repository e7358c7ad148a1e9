// The sending end of what is measured, in a process of its own. Started by near.ts.
import type { NearKind, Order } from "./near.ts";
import { type Pour, linkPipe, sendPipe, socketPipe } from "./pouring.ts";

const [, , kind = "tcp"] = process.argv as [string, string, NearKind?];

const open: Record<NearKind, () => Promise<Readonly<Record<string, Pour>>>> = {
	tcp: () => socketPipe("tcp"),
	tls: () => socketPipe("tls"),
	clear: () => linkPipe("off"),
	sealed: () => linkPipe("required"),
	send: sendPipe,
};
const pipe = await open[kind]();

// The process at the other end goes with this one.
process.on("disconnect", () => process.exit());
process.on("message", ({ way, size, count }: Order) => {
	void (async () => process.send?.(await pipe[way]?.(size, count)))();
});
process.send?.(0);
