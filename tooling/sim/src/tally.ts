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
