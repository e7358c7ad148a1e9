/**
 * The `cicada` command as a function, for programs that want to run it without a process of its own.
 *
 * @module
 */
export { exitCodes } from "./failure.ts";
export { cicada } from "./program.ts";
export { Interruption, type Surroundings } from "./surroundings.ts";
