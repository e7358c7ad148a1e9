import { plainIp, scopeOf, subnetOf } from "./address.ts";
import type { Limits } from "./limits.ts";
import type { Clock } from "./ports.ts";
import type { LimitCounter } from "./stats.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The limits by which a link may be turned away for where it comes from. */
export type AdmissionLimit =
	| "barTime"
	| "inboundPerIp"
	| "inboundPerSubnet"
	| "linksPerIp"
	| "linksPerSubnet";

/** What is remembered of an IP address or of a subnet. */
interface Host {
	/** Links accepted from there that are still open. */
	links: number;
	/** Links that came from there, those turned away included. */
	readonly arrivals: TokenBucket;
	readonly offences: TokenBucket;
	barredUntil: number;
}

/** Seconds' worth of links that may come at once. */
const BURST = 4;

/** Milliseconds in which one offence is forgotten. */
const FORGIVEN = 60_000;

/**
 * Who may open links to a node: so many from one IP address and from one subnet (/24, for IPv6 /64), at such a rate,
 * and none for a while after offences. Loopback and private addresses are not counted unless `countLocal` says so.
 */
export class Admission {
	readonly #clock: Clock;
	readonly #limits: Limits;
	readonly #counter: LimitCounter;
	readonly #countLocal: boolean;
	/** By what {@link placesOf} gives, those seen last at the end. */
	readonly #hosts = new Map<string, Host>();

	constructor(clock: Clock, limits: Limits, counter: LimitCounter, countLocal: boolean) {
		this.#clock = clock;
		this.#limits = limits;
		this.#counter = counter;
		this.#countLocal = countLocal;
	}

	/** True when limits hold for who is at this IP address. */
	counts(ip: string): boolean {
		return this.#countLocal || scopeOf(ip) === "public";
	}

	/** A link comes from `ip`: why it may not, or `undefined`. One that may is counted until {@link leave}. */
	enter(ip: string): AdmissionLimit | undefined {
		if (!this.counts(ip)) return undefined;
		const { address, subnet } = placesOf(ip);
		const limit = this.#obstacle(this.#host(address), this.#host(subnet));
		if (limit === undefined) {
			for (const place of [address, subnet]) this.#host(place).links++;
		} else {
			this.#counter.count(limit);
		}
		return limit;
	}

	/** A link that was let in from `ip` is gone. */
	leave(ip: string): void {
		if (!this.counts(ip)) return;
		const { address, subnet } = placesOf(ip);
		for (const place of [address, subnet]) this.#host(place).links--;
	}

	/** Who is at `ip` has provably done what none of us does, over his own link. */
	offend(ip: string): void {
		if (!this.counts(ip)) return;
		const { offender } = placesOf(ip);
		const host = this.#host(offender);
		const now = this.#clock.now();
		if (host.offences.take(now)) return;
		this.#counter.count("offences");
		host.barredUntil = now + this.#limits.barTime;
	}

	get known(): number {
		return this.#hosts.size;
	}

	get barred(): number {
		const now = this.#clock.now();
		let count = 0;
		for (const { barredUntil } of this.#hosts.values()) if (barredUntil > now) count++;
		return count;
	}

	#obstacle(address: Host, subnet: Host): AdmissionLimit | undefined {
		const now = this.#clock.now();
		const { linksPerIp, linksPerSubnet } = this.#limits;
		if (address.barredUntil > now || subnet.barredUntil > now) return "barTime";
		if (!address.arrivals.take(now)) return "inboundPerIp";
		if (!subnet.arrivals.take(now)) return "inboundPerSubnet";
		if (address.links >= linksPerIp) return "linksPerIp";
		return subnet.links >= linksPerSubnet ? "linksPerSubnet" : undefined;
	}

	/** What is known of a place, which is now the one that was seen last. */
	#host(place: string): Host {
		const host = this.#hosts.get(place) ?? this.#newHost(place);
		this.#hosts.delete(place);
		this.#hosts.set(place, host);
		return host;
	}

	#newHost(place: string): Host {
		const now = this.#clock.now();
		const { inboundPerIp, inboundPerSubnet, offences } = this.#limits;
		const rate = place.includes("/") ? inboundPerSubnet : inboundPerIp;
		if (this.#hosts.size >= this.#limits.knownHosts) this.#forget();
		return {
			links: 0,
			arrivals: new TokenBucket(rate, rate * BURST, now),
			offences: new TokenBucket(1_000 / FORGIVEN, offences, now),
			barredUntil: 0,
		};
	}

	/** Makes room: forgets the place that was not seen for the longest time, of those that hold no link. */
	#forget(): void {
		this.#counter.count("knownHosts");
		for (const [place, { links }] of this.#hosts) {
			if (links > 0) continue;
			this.#hosts.delete(place);
			return;
		}
	}
}

/** An IP address and its subnet; and which of them answers for offences: whoever has one IPv6 address has all of a /64. */
export function placesOf(ip: string): { address: string; subnet: string; offender: string } {
	const address = plainIp(ip);
	const subnet = subnetOf(ip);
	return { address, subnet, offender: subnet.endsWith("/64") ? subnet : address };
}
