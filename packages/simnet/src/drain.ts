/** What engines have for it; a package that imports nothing cannot count on any one of them. */
interface Engine {
	readonly setImmediate?: (run: () => void) => unknown;
	readonly setTimeout?: (run: () => void, delay: number) => unknown;
}

/**
 * Waits until every promise job that can run has run, and those that they caused: a turn of the engine's own
 * event loop. This is the one place where a simulation touches the real world, and it brings nothing back from it.
 */
export function drain(): Promise<void> {
	// oxlint-disable-next-line no-restricted-globals -- see above
	const { setImmediate, setTimeout } = globalThis as Engine;
	return new Promise((resolve) => {
		if (setImmediate !== undefined) setImmediate(resolve);
		else setTimeout?.(resolve, 0);
	});
}
