import { memberAt } from "./oracles/ring.ts";
import type { Action } from "./plan.ts";
import type { Swarm } from "./swarm.ts";

/** Makes the actions of a plan happen, as far as they can and may. */
export class Actor {
	/** How many of each kind happened. */
	readonly done: Map<string, number> = new Map();
	/** How many did not: their host was not there, or could not be spared. */
	passedOver = 0;
	readonly #swarm: Swarm;

	constructor(swarm: Swarm) {
		this.#swarm = swarm;
	}

	act(action: Action): void {
		if (this.#try(action)) {
			const name = nameOf(action);
			this.done.set(name, (this.done.get(name) ?? 0) + 1);
		} else {
			this.passedOver++;
		}
	}

	/** Ends all trouble that lasts. */
	mend(): void {
		const { simulation, plan } = this.#swarm;
		for (const host of simulation.hosts) {
			host.lag(0);
			if (plan.regime === "fail-stop") continue;
			host.slow(0);
			host.skew({ rate: 1 });
			if (host.running) host.resume();
			else host.restart();
			const program = this.#swarm.programs.get(host.name);
			if (program !== undefined && !program.wanted) program.join();
		}
		simulation.heal();
	}

	#try(action: Action): boolean {
		const swarm = this.#swarm;
		const { simulation } = swarm;
		switch (action.kind) {
			case "join":
				return this.#join(action.host);
			case "restart":
				if (simulation.find(action.host)?.running !== false) return false;
				return this.#join(action.host);
			case "leave": {
				const program = swarm.programs.get(action.host);
				if (program?.isMember !== true || !this.#isSpare(action.host)) return false;
				program.leave();
				swarm.ended(action.host);
				return true;
			}
			case "bridge": {
				const program = swarm.programs.get(action.host);
				const to = simulation.find(action.to);
				if (program?.isMember !== true || to === undefined) return false;
				program.bridge(to.ip);
				return true;
			}
			case "crash":
				if (simulation.find(action.host)?.running !== true || !this.#isSpare(action.host)) {
					return false;
				}
				swarm.ended(action.host);
				simulation.apply(action);
				return true;
			case "heal":
				simulation.apply(action);
				return true;
			case "partition": {
				const known = (name: string): boolean => simulation.find(name) !== undefined;
				const { to } = action;
				const from = action.from.filter(known);
				simulation.apply({ ...action, from, ...(to && { to: to.filter(known) }) });
				return true;
			}
			case "halfOpen":
				return this.#apply(action, action.from, action.to);
			case "break":
				return this.#apply(action, action.a, action.b);
			default:
				return this.#apply(action, action.host);
		}
	}

	#apply(
		fault: Exclude<Action, { kind: "join" | "leave" | "bridge" }>,
		...hosts: string[]
	): boolean {
		const { simulation } = this.#swarm;
		if (hosts.some((name) => simulation.find(name) === undefined)) return false;
		simulation.apply(fault);
		return true;
	}

	#join(name: string): boolean {
		const { simulation, programs } = this.#swarm;
		const host = simulation.find(name);
		if (host === undefined) {
			this.#swarm.addHost(name);
			return true;
		}
		if (!host.running) {
			host.restart();
			return true;
		}
		const program = programs.get(name);
		if (program === undefined || program.wanted || program.isMember) return false;
		program.join();
		return true;
	}

	/**
	 * Whether the ring can do without a host, where that is demanded: nobody loses its last live successor, and
	 * more members are left than a list is long.
	 */
	#isSpare(name: string): boolean {
		if (this.#swarm.plan.regime !== "fail-stop") return true;
		const members = this.#swarm.members();
		const victim = this.#swarm.programs.get(name)?.view;
		if (victim?.standing !== "member") return true;
		if (members.size <= this.#swarm.successors + 1) return false;
		for (const view of members.values()) {
			if (view.name === name) continue;
			const left = view.successors.some((pointer) => {
				const member = memberAt(members, pointer);
				return member !== undefined && member.name !== name;
			});
			if (!left) return false;
		}
		return true;
	}
}

function nameOf(action: Action): string {
	if (action.kind === "crash" && action.silent === true) return "silentCrash";
	if (action.kind === "partition" && action.oneWay === true) return "oneWayPartition";
	if (action.kind === "skew" && action.jump !== undefined) return "jump";
	if ((action.kind === "lag" || action.kind === "slow") && action.ms === 0) return "relief";
	return action.kind;
}
