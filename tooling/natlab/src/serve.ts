import { createInterface } from "node:readline";

/** Tells an event to who started this process with {@link Program}. */
export function tell(event: string, data: unknown): void {
	process.stdout.write(`${JSON.stringify({ event, data })}\n`);
}

const plain = (error: unknown): Record<string, unknown> =>
	error instanceof Error
		? Object.fromEntries([
				...Object.entries(error),
				["name", error.name],
				["message", error.message],
			])
		: { message: String(error) };

/** Answers the calls of {@link Program}, in a process that it started. Without anything else to do, it ends with its input. */
export function serve(functions: Readonly<Record<string, (...args: never[]) => unknown>>): void {
	createInterface({ input: process.stdin }).on("line", (text) => {
		const { call, name, args } = JSON.parse(text) as { call: number; name: string; args: never[] };
		const answer = (line: object): void => {
			process.stdout.write(`${JSON.stringify({ call, ...line })}\n`);
		};
		Promise.resolve()
			.then(() => functions[name]?.(...args))
			.then(
				(result) => {
					answer({ result: result ?? null });
				},
				(error: unknown) => {
					answer({ error: plain(error) });
				},
			);
	});
}
