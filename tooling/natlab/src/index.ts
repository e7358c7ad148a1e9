/**
 * Homes behind routers in network namespaces, for tests.
 *
 * @module
 */
export { whyNoLab } from "./available.ts";
export { type Ended, until } from "./command.ts";
export { type Home, type HomeOptions, Lab, type Reached } from "./lab.ts";
export { Machine } from "./machine.ts";
export { CallError, Program } from "./program.ts";
export { type Offer, Router } from "./router.ts";
export { serve, tell } from "./serve.ts";
export { behaviours } from "./hostile/behaviours.ts";
export { HostileRouter, type Place } from "./hostile/router.ts";

/** The program that is a {@link HostileRouter}: its arguments are its address and another one to forge answers from. */
export const hostileProgram: string = new URL("hostile/main.js", import.meta.url).pathname;
