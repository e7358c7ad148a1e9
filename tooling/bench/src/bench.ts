import type { Figure, Measurement, Size } from "./measurement.ts";
import { median } from "./statistics.ts";

/** What came out of one measurement: the median of each figure, and all its values. */
export interface Result {
	readonly name: string;
	readonly about: string;
	readonly figures: readonly (Figure & { readonly runs: readonly number[] })[];
}

/** Measures several times. `progress` hears of each run before it starts. */
export async function measure(
	measurement: Measurement,
	size: Size,
	repeat: number,
	progress: (run: number) => void,
): Promise<Result> {
	const runs: (readonly Figure[])[] = [];
	for (let run = 1; run <= repeat; run++) {
		progress(run);
		runs.push(await measurement.run(size));
	}
	const [first = []] = runs;
	const figures = first.map((figure, index) => {
		const values = runs.flatMap((run) => run[index]?.value ?? []);
		return { ...figure, value: median(values), runs: values };
	});
	return { name: measurement.name, about: measurement.about, figures };
}

/** The figures that are out of their bounds, as sentences. */
export function beyondBounds(results: readonly Result[]): string[] {
	return results.flatMap(({ name, figures }) =>
		figures
			.filter(({ value, bound }) => bound !== undefined && value > bound)
			.map(
				(figure) =>
					`${name}: ${figure.name} is ${figure.value.toFixed(1)} ${figure.unit}, over ${figure.bound}`,
			),
	);
}
