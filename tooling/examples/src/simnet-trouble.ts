// What goes wrong, by chance and on purpose: errors of links and of the simulation, and the least cause of a failure.
import { LinkError, shrinkList, SimnetError, Simulation, TROUBLES } from "@cicada/simnet";

const simulation = new Simulation({ seed: 3 });
const client = simulation.host("client");
const server = simulation.host("server");

// A program in the simulation sees what it would see on a real network.
client.transport.dial(
	{ host: server.ip, port: 7000 },
	{
		open() {},
		data() {},
		drain() {},
		close(error) {
			if (error instanceof LinkError) console.log(error.code); // ECONNREFUSED
		},
	},
);
simulation.advance(1_000);

// Who drives the simulation hears of its own mistakes.
try {
	simulation.host("client");
} catch (error) {
	if (error instanceof SimnetError) console.log(error.code); // INVALID_ARGUMENT
}

// Of all kinds of trouble, the fewest that a program cannot stand: here, two together.
const fails = (part: readonly string[]): boolean =>
	part.includes("partition") && part.includes("crash");
console.log((await shrinkList(TROUBLES, fails)).join(", ")); // crash, partition
