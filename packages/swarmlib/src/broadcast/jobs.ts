import type { Job } from "./job.ts";
import { type BroadcastId, type Header, nameOf, seriesOf } from "./messages.ts";

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
}

/** Some of the broadcasts, oldest first, and bytes of their payloads. */
class Group {
	readonly jobs = new Set<Job>();
	bytes = 0;

	/** Whether there is room for a payload of `size`. One that is larger than all of it finds room when it is alone. */
	fits(size: number, jobs: number, bytes: number): boolean {
		return this.jobs.size < jobs && (this.bytes + size <= bytes || this.jobs.size === 0);
	}
}

/** The broadcasts that a peer looks after, until they expire: not too many in all, nor of one key. */
export class Jobs {
	readonly #limits: BroadcastLimits;
	/** Ends one of them, which then is removed. */
	readonly #end: (job: Job) => void;
	readonly #byName = new Map<string, Job>();
	readonly #all = new Group();
	/** By the key that they are signed with, and its epoch. */
	readonly #series = new Map<string, Group>();

	constructor(limits: BroadcastLimits, end: (job: Job) => void) {
		this.#limits = limits;
		this.#end = end;
	}

	get size(): number {
		return this.#all.jobs.size;
	}

	get(id: BroadcastId): Job | undefined {
		return this.#byName.get(nameOf(id));
	}

	/** Oldest first. */
	values(): Iterable<Job> {
		return this.#all.jobs;
	}

	add(job: Job): void {
		const { header } = job;
		const series = seriesOf(header);
		const ofSeries = this.#series.get(series) ?? new Group();
		this.#series.set(series, ofSeries);
		this.#byName.set(nameOf(header), job);
		for (const group of [this.#all, ofSeries]) {
			group.jobs.add(job);
			group.bytes += header.size;
		}
	}

	/** Whether it was there. */
	remove(job: Job): boolean {
		const { header } = job;
		const series = seriesOf(header);
		const ofSeries = this.#series.get(series);
		if (ofSeries?.jobs.has(job) !== true) return false;
		this.#byName.delete(nameOf(header));
		for (const group of [this.#all, ofSeries]) {
			group.jobs.delete(job);
			group.bytes -= header.size;
		}
		if (ofSeries.jobs.size === 0) this.#series.delete(series);
		return true;
	}

	/** Makes room for one more by ending some that are done; the limit for which there is none. */
	makeRoom(wanted: Header): keyof BroadcastLimits | undefined {
		const { bytes, bytesPerKey, jobs, perKey } = this.#limits;
		const { size } = wanted;
		const ofSeries = this.#series.get(seriesOf(wanted));
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
