// Sends a word to a host and port, and prints whether it came back: node reach.js HOST PORT tcp|udp
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";

/** How long an answer is waited for, in milliseconds. */
const WAIT = 1_000;

const [host = "", port = "", protocol = "tcp"] = process.argv.slice(2);

const end = (word: string): void => {
	console.log(word);
	process.exit();
};

setTimeout(end, WAIT, "silence");
if (protocol === "tcp") {
	const socket = createConnection({ host, port: Number(port) });
	socket.write("cicada");
	socket
		.on("data", () => {
			end("answered");
		})
		.on("error", (error: NodeJS.ErrnoException) => {
			end(error.code === "ECONNREFUSED" ? "refused" : "silence");
		});
} else {
	createSocket("udp4")
		.on("message", () => {
			end("answered");
		})
		.on("error", () => {
			end("refused");
		})
		.send("cicada", Number(port), host);
}
