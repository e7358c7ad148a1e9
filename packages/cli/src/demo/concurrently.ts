/** Gives a function that runs what it is given, at most `limit` at once, in the order given. */
export function atMost(limit: number): <Result>(run: () => Promise<Result>) => Promise<Result> {
	const waiting: (() => void)[] = [];
	let running = 0;
	return async (run) => {
		if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
		else running++;
		try {
			return await run();
		} finally {
			const next = waiting.shift();
			if (next === undefined) running--;
			else next();
		}
	};
}

/** What `promise` gives; an error when that takes longer than `patience` milliseconds. */
export async function within<Result>(
	patience: number,
	promise: Promise<Result>,
	what: string,
): Promise<Result> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(() => {
			reject(new Error(`${what} within ${patience / 1_000} s`));
		}, patience);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}
