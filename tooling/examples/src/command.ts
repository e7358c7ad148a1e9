// The `cicada` command as a function, in a program of one's own.
import { cicada, exitCodes, Interruption, type Surroundings } from "@cicada/cli";

const ending = new AbortController();
const around: Surroundings = {
	stdin: process.stdin,
	stdout: process.stdout,
	// Together with the rest: this program tells all of it.
	stderr: process.stdout,
	env: process.env,
	interrupted: ending.signal,
};
const code = await cicada(["sim", "--peers", "many"], around);
console.log(code === exitCodes.USAGE); // true

// What would wait for ever ends when it is told to, with the code that it is given.
const here = ["--interface", "127.0.0.1", "--port", "0", "--no-port-mapping"];
const chatting = cicada(["chat", ...here, "--plain", "--username", "ana"], around);
ending.abort(new Interruption("enough", 130));
console.log(await chatting); // 130
