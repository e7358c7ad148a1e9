import { Simulation, uniform } from "@cicada/simnet";

// One way takes 10 to 50 ms. All chance in the simulation follows from the seed.
const simulation = new Simulation({ seed: 1, latency: uniform(10, 50) });
const server = simulation.host("server");
const client = simulation.host("client");
const at = { host: server.ip, port: 7000 };

// An echo server, written against the port `Transport`.
await server.transport.listen(at, (link) => ({
	open() {},
	data: (chunk) => link.send(chunk),
	drain() {},
	close() {},
}));

const link = client.transport.dial(at, {
	open: () => link.send(new TextEncoder().encode("hello")),
	data(chunk) {
		const text = new TextDecoder().decode(chunk);
		console.log(`${client.clock.now()} ms: the server says ${text}`);
		server.crash();
	},
	drain() {},
	close: (error) => console.log(`${client.clock.now()} ms: ${error?.message ?? "closed"}`),
});

// A second passes at once, and passes in the same way each time.
simulation.advance(1_000);
console.log(`trace ${simulation.traceHash}`);
