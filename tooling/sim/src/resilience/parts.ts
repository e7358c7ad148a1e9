/**
 * Parts of chordlib and swarmlib that they do not export: how relays pass messages on, and how origins find routes.
 * The resilience scenario runs them on a ring of members without links; nobody but this folder does.
 *
 * @module
 */
// @boundaries-ignore see above
export { askDirection } from "../../../../packages/chordlib/dist/ring/messages.js";
// @boundaries-ignore see above
export { type Links, nextHop } from "../../../../packages/chordlib/dist/ring/route.js";
// @boundaries-ignore see above
export type { Connection } from "../../../../packages/chordlib/dist/connection.js";
// @boundaries-ignore see above
export { type RouteNetwork, Routes } from "../../../../packages/swarmlib/dist/routes.js";
