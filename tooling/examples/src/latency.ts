// How long messages take: models of a network, and how to see what they do.
import {
	clusters,
	coordinates,
	exponential,
	jittered,
	type LatencyModel,
	lossy,
	normal,
	SeededRandom,
	Simulation,
} from "@cicada/simnet";

const models: Record<string, LatencyModel> = {
	normal: normal(50, 10, 5),
	exponential: exponential(20, 10),
	// Hosts in five cities; or on a plane of 100 by 100 milliseconds.
	clusters: clusters({ count: 5, inside: 2, between: [20, 100] }),
	coordinates: coordinates({ width: 100, height: 100, base: 1 }),
	// Any of them on a network that loses one packet in a hundred, with jitter.
	lossy: jittered(lossy(normal(50, 10), 0.01), 5),
};

/** Milliseconds one way, on average over a hundred pairs of hosts. */
const average = async (latency: LatencyModel): Promise<number> => {
	const simulation = new Simulation({ seed: "latency", latency });
	const hosts = Array.from({ length: 20 }, (_, index) => simulation.host(`host ${index}`));
	const random = new SeededRandom("pairs");
	const pick = () => hosts[Math.floor(random.next() * hosts.length)]!;
	let sum = 0;
	let count = 0;
	for (const host of hosts) {
		await host.transport.listen({ host: host.ip, port: 7000 }, (link) => ({
			open() {},
			data(bytes) {
				sum += host.clock.now() - new DataView(bytes.slice().buffer).getFloat64(0);
				count++;
				link.close();
			},
			drain() {},
			close() {},
		}));
	}
	for (let pair = 0; pair < 100; pair++) {
		const from = pick();
		const to = { host: hosts.filter((host) => host !== from)[pair % 19]!.ip, port: 7000 };
		const link = from.transport.dial(to, {
			open() {
				const sent = new DataView(new ArrayBuffer(8));
				sent.setFloat64(0, from.clock.now());
				link.send(new Uint8Array(sent.buffer));
			},
			data() {},
			drain() {},
			close() {},
		});
	}
	await simulation.run(10_000);
	return sum / count;
};

for (const [name, model] of Object.entries(models)) {
	console.log(`${name}: ${(await average(model)).toFixed(0)} ms`);
}
