/**
 * What `cicada sim` plays. `churn`: peers die, leave and come while messages go. `resilience`: many die at the same
 * moment, and messages go right then, once each and with duplicates, in the same circumstances.
 */
import { type Figures, type Reach, figures, rounded } from "../figures.ts";
import type { Stage } from "../stage.ts";
import { SimulatedSwarm } from "./simulated-swarm.ts";
import { Traffic } from "./traffic.ts";

export const scenarios = ["churn", "resilience"] as const;

export interface SimOptions {
	readonly scenario: (typeof scenarios)[number];
	readonly peers: number;
	readonly messages: number;
	/** Extra copies of each message, by other routes. */
	readonly duplicates: number;
	/** How long the churn lasts, and how many peers go, and as many come, in each minute of it. */
	readonly minutes: number;
	readonly churn: number;
	/** Of the peers, so many per cent die at once. */
	readonly fail: number;
	readonly seed: string;
}

/** Messages that were sent in the same circumstances. */
interface Round extends Figures {
	readonly name: string;
	readonly duplicates: number;
	/** Messages besides whose sender or target died before they were settled. */
	readonly lostWithPeers: number;
	readonly broadcasts: readonly Reach[];
}

/** Everything that a run tells; documented in the help. Times are virtual. */
export interface SimReport {
	readonly ok: boolean;
	readonly failures: readonly string[];
	readonly scenario: SimOptions["scenario"];
	readonly peers: number;
	readonly seed: string;
	readonly died: number;
	readonly left: number;
	readonly joined: number;
	readonly rounds: readonly Round[];
	readonly virtualMs: number;
}

const MINUTE = 60_000;
/** Virtual milliseconds that a message may take. */
const TIMEOUT = 60_000;
/** Within so many virtual milliseconds from the moment at which many die, all messages are sent. */
const AT_ONCE = 2_000;

/** Plays the scenario that the options name. */
export async function play(
	options: SimOptions,
	stage: Stage,
	interrupted: AbortSignal,
): Promise<SimReport> {
	const { scenario, peers, seed, duplicates } = options;
	const played =
		scenario === "churn"
			? [await playChurn(options, stage, interrupted)]
			: [
					await playFailure({ ...options, duplicates: 0 }, stage, interrupted),
					...(duplicates > 0 ? [await playFailure(options, stage, interrupted)] : []),
				];
	const failures = played.flatMap(({ failures }) => failures);
	const [first] = played;
	return {
		ok: failures.length === 0,
		failures,
		scenario,
		peers,
		seed,
		died: first?.died ?? 0,
		left: first?.left ?? 0,
		joined: first?.joined ?? 0,
		rounds: played.map(({ round }) => round),
		virtualMs: rounded(played.reduce((sum, { virtualMs }) => sum + virtualMs, 0)),
	};
}

interface Played {
	readonly round: Round;
	readonly failures: readonly string[];
	readonly died: number;
	readonly left: number;
	readonly joined: number;
	readonly virtualMs: number;
}

async function playChurn(
	{ peers, messages, duplicates, minutes, churn, seed }: SimOptions,
	stage: Stage,
	interrupted: AbortSignal,
): Promise<Played> {
	const swarm = await grown(peers, seed, stage, interrupted);
	const { simulation } = swarm;
	const traffic = new Traffic(swarm, TIMEOUT);
	const began = simulation.now;
	const changes = Math.round(minutes * churn);
	const counts = { died: 0, left: 0, joined: 0 };
	const change = (): void => {
		if (swarm.below(2) === 0) {
			swarm.crash(swarm.any(), true);
			counts.died++;
		} else {
			swarm.leave(swarm.any());
			counts.left++;
		}
		void swarm.add().then(() => counts.joined++);
	};
	spread(messages, minutes * MINUTE, (at) => {
		simulation.schedule(began + at, () => {
			traffic.send(duplicates);
		});
	});
	spread(changes, minutes * MINUTE, (at) => {
		simulation.schedule(began + at, change);
	});
	for (let minute = 1; minute <= minutes; minute++) {
		await swarm.run(MINUTE);
		traffic.broadcast();
		stage.progress("churn", minute, minutes);
	}
	await traffic.settled();
	stage.done(
		"churn",
		`${minutes} minutes: ${counts.died} died, ${counts.left} left, ${counts.joined} came`,
	);
	return played("under churn", duplicates, swarm, traffic, counts);
}

async function playFailure(
	{ peers, messages, duplicates, fail, seed }: SimOptions,
	stage: Stage,
	interrupted: AbortSignal,
): Promise<Played> {
	const swarm = await grown(peers, seed, stage, interrupted);
	const { simulation } = swarm;
	const traffic = new Traffic(swarm, TIMEOUT);
	const died = Math.floor((peers * fail) / 100);
	for (let count = 0; count < died; count++) swarm.crash(swarm.any(), true);
	const began = simulation.now;
	spread(messages, AT_ONCE, (at) => {
		simulation.schedule(began + at, () => {
			traffic.send(duplicates);
		});
	});
	traffic.broadcast();
	await swarm.run(AT_ONCE);
	await traffic.settled();
	const name = duplicates === 0 ? "once each" : `${duplicates} duplicates`;
	stage.done("died", `${died} of ${peers} at the same moment; then ${messages} messages, ${name}`);
	return played(name, duplicates, swarm, traffic, { died, left: 0, joined: 0 });
}

async function grown(
	peers: number,
	seed: string,
	stage: Stage,
	interrupted: AbortSignal,
): Promise<SimulatedSwarm> {
	const swarm = new SimulatedSwarm(seed, interrupted);
	await swarm.grow(peers, (joined) => {
		stage.progress("joining", joined, peers);
	});
	stage.done("formed", `a ring of ${peers} peers`);
	return swarm;
}

async function played(
	name: string,
	duplicates: number,
	swarm: SimulatedSwarm,
	traffic: Traffic,
	counts: { readonly died: number; readonly left: number; readonly joined: number },
): Promise<Played> {
	const { lostWithPeers, broadcasts } = traffic;
	const round = { name, duplicates, ...figures(traffic.sendings), lostWithPeers, broadcasts };
	const { failures } = traffic;
	const virtualMs = swarm.simulation.now;
	await swarm.close();
	return { round, failures, ...counts, virtualMs };
}

/** Calls `take` with so many moments, which are evenly spread over a time. */
function spread(count: number, over: number, take: (at: number) => void): void {
	for (let index = 0; index < count; index++) take(((index + 0.5) * over) / count);
}
