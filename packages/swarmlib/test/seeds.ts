/** 1, or 100 in the nightly run: tests with many random cases run so many times more of them. */
export const factor = Number(process.env["CICADA_FACTOR"] ?? 1);

/** Runs `body` for seeds 1 to `count`, or for CICADA_SEED alone. A failure says how to have it again. */
export async function assertForSeeds(
	file: string,
	count: number,
	body: (seed: number) => Promise<void>,
): Promise<void> {
	const only = process.env["CICADA_SEED"];
	const seeds =
		only === undefined ? Array.from({ length: count * factor }, (_, i) => i + 1) : [Number(only)];
	for (const seed of seeds) {
		try {
			await body(seed);
		} catch (error) {
			if (error instanceof Error) {
				const command = `CICADA_SEED=${seed} node tooling/pnpm.mjs vitest run packages/swarmlib/test/${file}`;
				error.message = `seed ${seed}: ${error.message}\nreplay: ${command}`;
			}
			throw error;
		}
	}
}
