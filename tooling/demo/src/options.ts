import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export interface Options {
	readonly peers: number;
	readonly messages: number;
	readonly duplicates: number;
	readonly seed: string;
	readonly json: boolean;
	readonly colour: boolean;
}

/** Options that make no sense: the message says which. */
export class UsageError extends Error {
	override readonly name = "UsageError";
}

const PEERS = { least: 4, most: 256, usual: 16 };
const MESSAGES = { least: 1, most: 100_000, usual: 100 };
const DUPLICATES = { least: 0, most: 32, usual: 2 };

export const help: string = `A swarm of processes at work, on this machine alone.

  npm start -- [options]

  --peers N        how many peers, each a process of its own: ${PEERS.least} to ${PEERS.most}; ${PEERS.usual} if not given
  --messages N     messages in each round, ${MESSAGES.usual} if not given
  --duplicates N   extra copies of each message of the second round, by other routes:
                   ${DUPLICATES.least} (no such round) to ${DUPLICATES.most}; ${DUPLICATES.usual} if not given
  --seed S         decides who joins through whom, who sends to whom and who is killed, as far
                   as the ring allows: its order comes from the ports, which the system gives
  --json           the last line of stdout is one JSON object; all else goes to stderr
  --no-color       no colours (nor with NO_COLOR in the environment, nor off a terminal)
  --help           this

What happens: peers join one ring, each through a random earlier one. Then messages go, over links
of the ring only, between peers that have no link to each other: once each, then with duplicates.
One peer broadcasts to all. Then one peer is killed while messages are under way, the ring heals,
and there is another broadcast. Formed and healed mean that for each peer the id right after its
own is answered for by its true next peer, over one link, and that nobody has a link to the dead.

A message counts as delivered when its sender was told so and its target received it, whole and
exactly once, from that sender. Messages to the peer that is killed are counted apart.

Exit codes: 0 all was delivered; 1 something was not, and is named; 2 wrong options.

The JSON object:
  ok                true when the exit code is 0
  failures          what went wrong, as sentences
  peers, seed       as above
  sent, delivered   messages of all rounds, those to the killed peer left out
  multiHop          delivered messages that crossed 2 links or more
  hops              {mean, max} links crossed
  rttMs             {p50, p99} milliseconds until the sender knew
  rounds            the same for each round, with its name; "linked" counts messages between peers
                    that had a link all the same, for want of others, or got one meanwhile
  toKilled          {sent, delivered, rejected} messages to the peer that was killed
  broadcast         {reached, expected, ms}, the sender left out
  broadcastHealed   the same once the ring has healed
  formMs            from the first process started until the ring was formed
  healMs            from the kill until the ring had healed
  totalMs           all in all, in milliseconds
Where the demo itself could not go on, only ok, failures, peers and seed are there.
`;

interface Range {
	readonly least: number;
	readonly most: number;
	readonly usual: number;
}

function whole(name: string, given: string | undefined, { least, most, usual }: Range): number {
	if (given === undefined) return usual;
	const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
	if (value >= least && value <= most) return value;
	throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not "${given}"`);
}

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options | "help" {
	try {
		const { values } = parseArgs({
			args: [...args],
			options: {
				peers: { type: "string" },
				messages: { type: "string" },
				duplicates: { type: "string" },
				seed: { type: "string" },
				json: { type: "boolean", default: false },
				"no-color": { type: "boolean", default: false },
				help: { type: "boolean", short: "h", default: false },
			},
		});
		if (values.help) return "help";
		return {
			peers: whole("peers", values.peers, PEERS),
			messages: whole("messages", values.messages, MESSAGES),
			duplicates: whole("duplicates", values.duplicates, DUPLICATES),
			seed: values.seed ?? String(randomInt(1_000_000)),
			json: values.json,
			colour: !values["no-color"] && (process.env["NO_COLOR"] ?? "") === "",
		};
	} catch (error) {
		if (error instanceof UsageError || !(error instanceof TypeError)) throw error;
		// What follows the first sentence speaks of programs that take more than options.
		throw new UsageError(error.message.split(/\.\s/)[0]?.replace(/\.$/, ""), { cause: error });
	}
}
