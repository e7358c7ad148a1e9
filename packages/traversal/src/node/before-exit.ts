const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `run` when the process is told to end, and lets it end when `run` is done. Where the program listens to the
 * signal itself, it ends when the program wants it to.
 *
 * @returns takes it back
 */
export function beforeExit(run: () => Promise<void>): () => void {
	let running = false;
	const forget = (): void => {
		for (const signal of SIGNALS) process.off(signal, end);
	};
	const end = (signal: NodeJS.Signals): void => {
		if (running) return;
		running = true;
		const last = (): void => {
			forget();
			// Others of ours may still be at it; who is the last ends the process.
			if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
		};
		run().then(last, last);
	};
	for (const signal of SIGNALS) process.on(signal, end);
	return () => {
		// While it runs, the listener keeps the signal from ending the process.
		if (!running) forget();
	};
}
