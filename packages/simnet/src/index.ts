/**
 * A deterministic network in memory, for any protocol that gets time, chance and the network through small ports.
 *
 * @module
 */
export { type ChaosOptions, randomFaults, type Trouble, TROUBLES } from "./chaos.ts";
export { LinkError, type LinkErrorCode, SimnetError, type SimnetErrorCode } from "./errors.ts";
export type { Fault, TimedFault } from "./fault.ts";
export type { HostOptions, SimHost } from "./host.ts";
export type { Fate, Intercept, Passage } from "./intercept.ts";
export {
	clusters,
	type ClustersOptions,
	constant,
	coordinates,
	type CoordinatesOptions,
	exponential,
	jittered,
	type LatencyChance,
	type LatencyModel,
	lossy,
	normal,
	type Position,
	type Site,
	uniform,
} from "./latency.ts";
export type { NatOptions, SimNat } from "./nat.ts";
export type {
	Address,
	Clock,
	Link,
	LinkHandler,
	Listener,
	Ports,
	Random,
	Timer,
	Transport,
} from "./ports.ts";
export { SeededRandom } from "./prng.ts";
export { type Divergence, record, type Recording, replay, type Replay } from "./record.ts";
export { type Case, type Outcome, runCase, type Scenario } from "./scenario.ts";
export { shrink, shrinkList } from "./shrink.ts";
export { Simulation, type SimulationOptions } from "./simulation.ts";
export type { Trace, TraceEvent, TraceKind, TraceOptions } from "./trace.ts";
