import type { Owner } from "./ports.ts";

/** What a mapping that we make is called on the router. */
export function describe({ host, process, run }: Owner): string {
	return `cicada ${host} ${process} ${run}`;
}

/** Whether a mapping was left behind: a run on this machine made it that is no more. */
export function isLeftBehind(owner: Owner, description: string): boolean {
	const [, host, process, run] =
		/^cicada ([\da-f]{8}) (\d{1,10}) ([\da-f]{8})$/.exec(description) ?? [];
	if (host !== owner.host || run === owner.run) return false;
	// In containers, every run may be process 1.
	return Number(process) === owner.process || !owner.alive(Number(process));
}
