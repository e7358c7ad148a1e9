// The command as a function: for what needs no process of its own.
import { PassThrough } from "node:stream";

import { Interruption, cicada } from "../src/index.ts";

export interface Answer {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs it to its end, or until it has said something on stdout after which it is interrupted. */
export async function run(
	args: readonly string[],
	untilItSays?: string,
	env: Record<string, string> = {},
): Promise<Answer> {
	const written = { stdout: "", stderr: "" };
	const interruption = new AbortController();
	const into = (name: "stdout" | "stderr"): PassThrough => {
		const stream = new PassThrough();
		stream.setEncoding("utf8").on("data", (text: string) => {
			written[name] += text;
			if (untilItSays === undefined || !written.stdout.includes(untilItSays)) return;
			interruption.abort(new Interruption("ended by the test", 130));
		});
		return stream;
	};
	const code = await cicada(args, {
		stdin: new PassThrough().end(),
		stdout: into("stdout"),
		stderr: into("stderr"),
		env,
		interrupted: interruption.signal,
	});
	await new Promise(setImmediate);
	return { code, ...written };
}
