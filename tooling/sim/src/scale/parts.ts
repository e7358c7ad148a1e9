/**
 * Parts of chordlib and simnet that they do not export. The scale simulation drives the very ring that a node runs,
 * without the node around it; nobody but this folder does.
 *
 * @module
 */
// @boundaries-ignore see above
export { Contact } from "../../../../packages/chordlib/dist/contact.js";
// @boundaries-ignore see above
export { type Id, fingerStart, idFromBytes } from "../../../../packages/chordlib/dist/id.js";
// @boundaries-ignore see above
export { nearestFirst } from "../../../../packages/chordlib/dist/ring/fingers.js";
// @boundaries-ignore see above
export { type Found, standing } from "../../../../packages/chordlib/dist/ring/messages.js";
// @boundaries-ignore see above
export type { RingNetwork } from "../../../../packages/chordlib/dist/ring/network.js";
// @boundaries-ignore see above
export { Ring } from "../../../../packages/chordlib/dist/ring/ring.js";
// @boundaries-ignore see above
export { LimitCounter } from "../../../../packages/chordlib/dist/stats.js";
// @boundaries-ignore see above
export { EventQueue, type Task } from "../../../../packages/simnet/dist/queue.js";
