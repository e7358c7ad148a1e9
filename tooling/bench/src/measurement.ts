/** How much to measure. */
export interface Size {
	/** Nodes of the ring. */
	readonly nodes: number;
	/** Lookups, requests or messages that are timed in one go. */
	readonly operations: number;
}

/** One number that came out. */
export interface Figure {
	readonly name: string;
	readonly value: number;
	readonly unit: string;
	/** Above this something is wrong. */
	readonly bound?: number;
	/** What is wanted; whether that is met is told, and fails nothing. */
	readonly aim?: { readonly least?: number; readonly most?: number };
}

/** One thing to measure; each is a file in `measurements/`. */
export interface Measurement {
	readonly name: string;
	/** What is measured, in a sentence. */
	readonly about: string;
	/** It takes long, or repeats what it does itself: one run is enough. */
	readonly once?: true;
	/** Measures once. The figures of several runs are put together by their medians. */
	run(size: Size): Promise<readonly Figure[]>;
}
