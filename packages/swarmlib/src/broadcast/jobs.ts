import type { Job } from "./job.ts";
import type { Name } from "./messages.ts";

/** How many broadcasts are looked after at once. */
export interface BroadcastLimits {
	/** Broadcasts in all. Default 1,024. */
	readonly jobs: number;
	/** Bytes of their payloads; a single larger one finds room when it is alone. Default 16 MiB. */
	readonly bytes: number;
	/** Broadcasts signed with one key. Default 256. */
	readonly perKey: number;
	/** Bytes of their payloads. Default 4 MiB. */
	readonly bytesPerKey: number;
	/** Offers whose signatures are being checked. Default 1,024. */
	readonly checks: number;
	/** Of them, those of one peer. Default 256. */
	readonly checksPerPeer: number;
}

/** Some of the broadcasts, oldest first, and bytes of their payloads. */
class Group {
	readonly jobs = new Set<Job>();
	bytes = 0;

	add(job: Job): void {
		this.jobs.add(job);
		this.bytes += job.header.size;
	}

	remove(job: Job): void {
		this.jobs.delete(job);
		this.bytes -= job.header.size;
	}

	/** Whether there is room for a payload of `size`. One that is larger than all of it finds room when it is alone. */
	fits(size: number, jobs: number, bytes: number): boolean {
		return this.jobs.size < jobs && (this.bytes + size <= bytes || this.jobs.size === 0);
	}
}

/** Those that are signed with one key, in one epoch of it. */
class Series extends Group {
	readonly byNumber = new Map<number, Job>();
}

/** The broadcasts that a peer looks after, until they expire: not too many in all, nor of one key. */
export class Jobs {
	readonly #limits: BroadcastLimits;
	/** Ends one of them, which then is removed. */
	readonly #end: (job: Job) => void;
	readonly #all = new Group();
	readonly #series = new Map<string, Series>();

	constructor(limits: BroadcastLimits, end: (job: Job) => void) {
		this.#limits = limits;
		this.#end = end;
	}

	get size(): number {
		return this.#all.jobs.size;
	}

	get({ series, number }: Name): Job | undefined {
		return this.#series.get(series)?.byNumber.get(number);
	}

	/** Oldest first. */
	values(): Iterable<Job> {
		return this.#all.jobs;
	}

	add(job: Job): void {
		const { series, number } = job.name;
		const ofSeries = this.#series.get(series) ?? new Series();
		this.#series.set(series, ofSeries);
		ofSeries.byNumber.set(number, job);
		ofSeries.add(job);
		this.#all.add(job);
	}

	/** Whether it was there. */
	remove(job: Job): boolean {
		const { series, number } = job.name;
		const ofSeries = this.#series.get(series);
		if (ofSeries?.byNumber.get(number) !== job) return false;
		ofSeries.byNumber.delete(number);
		ofSeries.remove(job);
		this.#all.remove(job);
		if (ofSeries.jobs.size === 0) this.#series.delete(series);
		return true;
	}

	/** Makes room for one more, of `size` bytes, by ending some that are done; the limit for which there is none. */
	makeRoom(
		{ series }: Name,
		size: number,
	): "bytes" | "bytesPerKey" | "jobs" | "perKey" | undefined {
		const { bytes, bytesPerKey, jobs, perKey } = this.#limits;
		const ofSeries = this.#series.get(series);
		if (ofSeries !== undefined && !this.#free(ofSeries, size, perKey, bytesPerKey)) {
			return ofSeries.jobs.size < perKey ? "bytesPerKey" : "perKey";
		}
		if (this.#free(this.#all, size, jobs, bytes)) return undefined;
		return this.#all.jobs.size < jobs ? "bytes" : "jobs";
	}

	/** Whether a group has room now. */
	#free(group: Group, size: number, jobs: number, bytes: number): boolean {
		for (const job of group.jobs) {
			if (group.fits(size, jobs, bytes)) return true;
			if (job.isIdle) this.#end(job);
		}
		return group.fits(size, jobs, bytes);
	}
}
