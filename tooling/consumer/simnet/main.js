// Two hosts and a link between them, in virtual time.
import assert from "node:assert/strict";

import { constant, Simulation } from "@cicada/simnet";

const simulation = new Simulation({ seed: 1, latency: constant(10) });
const near = simulation.host("near");
const far = simulation.host("far");
const deaf = { open: () => {}, data: () => {}, drain: () => {}, close: () => {} };
let heard = "";
await far.transport.listen({ host: far.ip, port: 7000 }, () => ({
	...deaf,
	data: (chunk) => {
		heard += new TextDecoder().decode(chunk);
	},
}));
near.transport.dial({ host: far.ip, port: 7000 }, deaf).send(new TextEncoder().encode("hello"));
await simulation.run(1000);
assert.equal(heard, "hello");
assert.equal(simulation.now, 1000);
