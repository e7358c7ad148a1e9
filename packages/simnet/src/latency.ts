/** What a latency model knows of a host. */
export interface Site {
	/** Its number, from 0, in the order in which hosts were made. */
	readonly index: number;
	/** Its name. */
	readonly name: string;
	/** Its address. */
	readonly ip: string;
	/** The cluster that it was put in, when it was put in one. */
	readonly cluster: number | undefined;
	/** Where it was placed, when it was placed. */
	readonly position: Position | undefined;
}

/** A place on the plane of {@link coordinates}, in milliseconds. */
export interface Position {
	/** To the right. */
	readonly x: number;
	/** Upwards. */
	readonly y: number;
}

/** The chance that a latency model may use. */
export interface LatencyChance {
	/** A number in [0, 1), new at each call; the sender's own stream. */
	next(): number;
	/** A number in [0, 1) that the seed and these integers fix for all of the run. */
	fixed(a: number, b?: number, c?: number): number;
}

/**
 * How long one message takes *one way*. Any object with this method is a model. A link never reorders, whatever
 * the model says: a message that would overtake the one before it arrives together with it.
 */
export interface LatencyModel {
	/** Milliseconds, at least 0; kept to the microsecond. */
	delay(from: Site, to: Site, chance: LatencyChance): number;
}

/** Each message takes `ms` milliseconds one way. */
export function constant(ms: number): LatencyModel {
	return { delay: () => ms };
}

/** Each message takes between `low` and `high` milliseconds one way, all equally likely. */
export function uniform(low: number, high: number): LatencyModel {
	return { delay: (_from, _to, chance) => low + (high - low) * chance.next() };
}

/** Each message takes about `mean` milliseconds one way, with the standard deviation `deviation`, never less than `least`. */
export function normal(mean: number, deviation: number, least = 0): LatencyModel {
	return {
		delay(_from, _to, chance) {
			// Twelve uniform numbers have the variance 1, and need no function that engines may round apart.
			let sum = -6;
			for (let i = 0; i < 12; i++) sum += chance.next();
			return Math.max(least, mean + deviation * sum);
		},
	};
}

/** Each message takes `least` milliseconds one way and a tail more, exponentially distributed, of `tail` milliseconds on average. */
export function exponential(least: number, tail: number): LatencyModel {
	return { delay: (_from, _to, chance) => least - tail * Math.log(1 - chance.next()) };
}

/** Options of {@link coordinates}. */
export interface CoordinatesOptions {
	/** The sides of the rectangle in which hosts without a position are scattered, in milliseconds. 100 by default. */
	readonly width?: number;
	/** See `width`. */
	readonly height?: number;
	/** What the last mile adds one way, in milliseconds. 1 by default. */
	readonly base?: number;
}

/** Hosts lie on a plane; one way takes `base` milliseconds and the distance. The same both ways, always. */
export function coordinates(options: CoordinatesOptions = {}): LatencyModel {
	const { width = 100, height = 100, base = 1 } = options;
	const x = (site: Site, chance: LatencyChance): number =>
		site.position?.x ?? chance.fixed(site.index, 1) * width;
	const y = (site: Site, chance: LatencyChance): number =>
		site.position?.y ?? chance.fixed(site.index, 2) * height;
	return {
		delay(from, to, chance) {
			const dx = x(from, chance) - x(to, chance);
			const dy = y(from, chance) - y(to, chance);
			return base + Math.sqrt(dx * dx + dy * dy);
		},
	};
}

/** Options of {@link clusters}. */
export interface ClustersOptions {
	/** How many clusters there are. */
	readonly count: number;
	/** Milliseconds one way between two hosts of one cluster. */
	readonly inside: number;
	/** Milliseconds one way between clusters: for each pair of them one number from this range, fixed by the seed. */
	readonly between: readonly [low: number, high: number];
}

/**
 * Hosts live in clusters: data centres, cities. A host is in the cluster that it was made with, or in one that
 * the seed chooses. The same both ways, always.
 */
export function clusters(options: ClustersOptions): LatencyModel {
	const { count, inside, between } = options;
	const [low, high] = between;
	const clusterOf = (site: Site, chance: LatencyChance): number =>
		site.cluster ?? Math.floor(chance.fixed(site.index, 3) * count);
	return {
		delay(from, to, chance) {
			const a = clusterOf(from, chance);
			const b = clusterOf(to, chance);
			if (a === b) return inside;
			return low + (high - low) * chance.fixed(Math.min(a, b), Math.max(a, b), 4);
		},
	};
}

/**
 * Any other model, with jitter: between 0 and `jitter` milliseconds more for each message.
 *
 * @example
 * ```ts
 * const internet = jittered(clusters({ count: 50, inside: 5, between: [20, 200] }), 3);
 * ```
 */
export function jittered(model: LatencyModel, jitter: number): LatencyModel {
	return { delay: (from, to, chance) => model.delay(from, to, chance) + jitter * chance.next() };
}

/**
 * Any other model, on a network that loses packets. A stream loses nothing: what is lost is sent again, so
 * loss is lateness. Each message is lost with `probability`, and again each time it is sent; the first repeat comes
 * `timeout` milliseconds later (200 by default), each further one after twice the time.
 */
export function lossy(model: LatencyModel, probability: number, timeout = 200): LatencyModel {
	return {
		delay(from, to, chance) {
			let late = 0;
			for (let wait = timeout, tries = 0; tries < 15 && chance.next() < probability; tries++) {
				late += wait;
				wait *= 2;
			}
			return late + model.delay(from, to, chance);
		},
	};
}
