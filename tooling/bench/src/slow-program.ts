// Connections that say what a dialler does, a byte a second. A process of its own, started by measurements/slow.ts.
import { once } from "node:events";
import { type Socket, createConnection } from "node:net";

import { firstWords } from "./stranger.ts";

const [, , port = "0", count = "1"] = process.argv;

/** Milliseconds between two bytes of a connection. */
const PAUSE = 1_000;
/** Milliseconds in which some of the connections have their turn. */
const STEP = 5;

const words = await firstWords({});
const sockets: Socket[] = [];
let open = 0;
for (let made = 0; made < Number(count); made++) {
	const socket = createConnection({ host: "127.0.0.1", port: Number(port), noDelay: true });
	socket.on("error", () => {});
	socket.on("close", () => open--);
	await once(socket, "connect");
	sockets.push(socket);
	open++;
}
const turns = PAUSE / STEP;
let turn = 0;
// All of them in a second, evenly.
setInterval(() => {
	const sent = Math.floor(turn / turns);
	for (let index = turn % turns; index < sockets.length; index += turns) {
		sockets[index]?.write(words.subarray(sent, sent + 1));
	}
	turn++;
}, STEP);
process.on("disconnect", () => process.exit());
process.on("message", () => process.send?.(open));
process.send?.(open);
