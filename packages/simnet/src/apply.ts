import { SimnetError } from "./errors.ts";
import type { Fault } from "./fault.ts";
import type { LinkEnd } from "./link.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** Makes a fault happen now. */
export function applyFault(world: World, fault: Fault): void {
	const { network } = world;
	switch (fault.kind) {
		case "crash":
			named(world, fault.host).kill(fault.silent ?? false);
			break;
		case "restart":
			named(world, fault.host).restart();
			break;
		case "pause":
			named(world, fault.host).pause();
			break;
		case "resume":
			named(world, fault.host).resume();
			break;
		case "slow":
			named(world, fault.host).slow(Math.round(atLeast(0, fault.ms) * 1000));
			break;
		case "lag":
			named(world, fault.host).lag = atLeast(0, fault.ms);
			break;
		case "skew": {
			const machine = named(world, fault.host);
			const rate = atLeast(1e-6, fault.rate ?? machine.rate);
			machine.setClock(rate, atLeast(0, fault.jump ?? 0) * 1000);
			break;
		}
		case "partition": {
			const from = indices(world, fault.from);
			const to =
				fault.to === undefined
					? new Set(network.machines.map(({ index }) => index).filter((i) => !from.has(i)))
					: indices(world, fault.to);
			network.wall(fault.name, from, to);
			if (fault.oneWay !== true) network.wall(fault.name, to, from);
			break;
		}
		case "heal":
			network.heal(fault.name);
			break;
		case "halfOpen":
			for (const end of ends(world, fault.from, fault.to)) end.mute = true;
			break;
		case "break":
			for (const end of ends(world, fault.a, fault.b)) end.snap();
			break;
	}
}

/** The machine of this name. */
function named(world: World, name: string): Machine {
	const machine = world.network.named(name);
	if (machine === undefined) throw new SimnetError("UNKNOWN_HOST", `no host is called ${name}`);
	return machine;
}

function atLeast(least: number, value: number): number {
	if (value >= least && value < Infinity) return value;
	throw new SimnetError("INVALID_ARGUMENT", `${value} is not a number from ${least} on`);
}

function indices(world: World, names: readonly string[]): Set<number> {
	return new Set(names.map((name) => named(world, name).index));
}

/** The ends at `from` of its open links with `to`. */
function ends(world: World, from: string, to: string): LinkEnd[] {
	const far = named(world, to);
	return named(world, from)
		.process.links()
		.filter((end) => end.peer?.machine === far);
}
