import { formatAddress } from "@cicada/chordlib";
import type { Explanation } from "@cicada/swarmlib";

import { nameOf, printable } from "./printable.ts";

/** What an explanation says, as lines for people. */
export function explanation(found: Explanation): string[] {
	const { target, peer, exact, route, via, hops = 0, rtt = 0, dialled } = found;
	const who = peer === undefined ? "nobody" : nameOf(peer);
	const how = {
		self: "it is this peer",
		direct: "over a link to it",
		ring: `along the ring, over ${hops} links, first to ${via ? nameOf(via) : "nobody"}`,
		none: "there is no way",
	}[route];
	const after = ` after ${rtt.toFixed(2)} ms`;
	const answers = exact ? `${who}${after}` : `nobody with that id; ${who} is responsible for it`;
	return [
		`id:       ${target.toString()}`,
		`answers:  ${peer === undefined ? "nobody, in time" : answers}`,
		...(exact ? [`route:    ${how}`] : []),
		...dialled.map(({ address, outcome, why }) => {
			const reason = why === undefined ? "" : `: ${printable(why)}`;
			return `dialled:  ${formatAddress(address)} ${outcome}${reason}`;
		}),
	];
}
