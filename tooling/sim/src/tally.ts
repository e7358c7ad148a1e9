/** How lookups went. */
export interface LookupTally {
	ok: number;
	wrong: number;
	failed: number;
}

/** Numbers of which the mean and the greatest are of interest. */
export interface Spread {
	count: number;
	sum: number;
	most: number;
}

export function spread(): Spread {
	return { count: 0, sum: 0, most: 0 };
}

export function addTo(to: Spread, value: number): void {
	to.count++;
	to.sum += value;
	to.most = Math.max(to.most, value);
}

export function mean({ count, sum }: Spread): number {
	return count === 0 ? 0 : sum / count;
}

export function join(to: Spread, from: Spread): void {
	to.count += from.count;
	to.sum += from.sum;
	to.most = Math.max(to.most, from.most);
}

/** An interval in which a probability lies. */
export interface Interval {
	readonly low: number;
	readonly high: number;
}

/** 97.5 % of normally distributed values are below so many standard deviations. */
const Z = 1.959_964;

/** The 95 % confidence interval of a probability, of which so many of `count` trials came out (Wilson, 1927). */
export function wilson(came: number, count: number): Interval {
	const part = came / count;
	const shrink = 1 + Z ** 2 / count;
	const middle = part + Z ** 2 / (2 * count);
	const half = Z * Math.sqrt((part * (1 - part)) / count + Z ** 2 / (4 * count ** 2));
	return { low: (middle - half) / shrink, high: (middle + half) / shrink };
}
