import type { SwarmPeer } from "@cicada/swarmlib";

/** What a service counts besides what its peer does. */
export interface ServiceCounts {
	/** Seconds since it started. */
	readonly uptime: number;
	/** Messages that came for it, which it does not read. */
	readonly discarded: number;
	readonly discardedBytes: number;
}

/** How a peer is doing, as OpenMetrics text. */
export function openMetrics(
	peer: SwarmPeer,
	{ uptime, discarded, discardedBytes }: ServiceCounts,
): string {
	const { links, pendingLinks, dials, buffered, requests, hosts, reached } = peer.stats;
	return [
		...gauge("cicada_uptime_seconds", "Time since the peer was started.", uptime),
		...gauge("cicada_links", "Links to peers.", links),
		...gauge(
			"cicada_pending_links",
			"Accepted links that have not said who they are.",
			pendingLinks,
		),
		...gauge("cicada_dials", "Addresses that are being dialled.", dials),
		...gauge("cicada_buffered_bytes", "Bytes that the network has not taken yet.", buffered),
		...gauge(
			"cicada_members",
			"Members of the swarm that are known on the ring.",
			peer.ring.members.length,
		),
		...gauge("cicada_requests_asked", "Own requests under way.", requests.asked),
		...gauge("cicada_requests_serving", "Others' requests under way.", requests.serving),
		...gauge("cicada_hosts_barred", "IP addresses and subnets that are barred.", hosts.barred),
		...family("cicada_messages_discarded", "counter", "Messages to the service, which reads none."),
		`cicada_messages_discarded_total ${discarded}`,
		...family("cicada_discarded_bytes", "counter", "Bytes of these messages."),
		`cicada_discarded_bytes_total ${discardedBytes}`,
		...family("cicada_limit_reached", "counter", "How often each limit was reached."),
		...Object.entries(reached).map(
			([limit, count]) => `cicada_limit_reached_total{limit="${limit}"} ${count}`,
		),
		"# EOF",
		"",
	].join("\n");
}

function gauge(name: string, help: string, value: number): string[] {
	return [...family(name, "gauge", help), `${name} ${value}`];
}

function family(name: string, type: "gauge" | "counter", help: string): string[] {
	return [`# TYPE ${name} ${type}`, `# HELP ${name} ${help}`];
}
