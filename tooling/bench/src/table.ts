import type { Result } from "./bench.ts";
import type { Figure } from "./measurement.ts";

/** Three digits that count, and all of those before the point. */
function readable(value: number): string {
	if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
	return Number(value.toPrecision(3)).toString();
}

/** Lines of at most 100 characters, broken between words. */
function wrap(text: string): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of text.split(" ")) {
		if (line.length + word.length >= 100) {
			lines.push(line);
			line = "";
		}
		line += line === "" ? word : ` ${word}`;
	}
	return [...lines, line];
}

/** What is wanted of a figure, and whether it is so. */
function verdict({ value, aim }: Figure): string {
	if (aim === undefined) return "";
	const { least = -Infinity, most = Infinity } = aim;
	const wanted = aim.least === undefined ? `at most ${most}` : `at least ${least}`;
	return `  (${wanted}: ${value >= least && value <= most ? "met" : "missed"})`;
}

/** What a person reads: each measurement, what it is, and its figures with the least and the most of all runs. */
export function table(results: readonly Result[]): string {
	return results
		.map(({ name, about, figures }) => {
			const rows = figures.map((figure) => {
				const value = `${readable(figure.value)} ${figure.unit}`.trim();
				const least = readable(Math.min(...figure.runs));
				const most = readable(Math.max(...figure.runs));
				const spread = least === most ? "" : `  ${least} to ${most}`;
				return `  ${figure.name.padEnd(34)}${value.padStart(14)}${spread}${verdict(figure)}`;
			});
			return [name, ...wrap(about).map((line) => `  ${line}`), "", ...rows, ""].join("\n");
		})
		.join("\n");
}
