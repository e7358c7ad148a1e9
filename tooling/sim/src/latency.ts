import {
	type LatencyModel,
	clusters,
	constant,
	coordinates,
	jittered,
	lossy,
	uniform,
} from "@cicada/simnet";

/** A network to choose by name. */
interface Network {
	readonly about: string;
	readonly model: () => LatencyModel;
	/** The mean of a round trip between two random hosts, in milliseconds. */
	readonly roundTrip: number;
}

/** Fifty cities, 20 to 200 ms apart: the mean of one way is 5 in a fiftieth of the cases, else 110. */
const CITIES = { count: 50, inside: 5, between: [20, 200] } as const;
const CITIES_MEAN = 2 * (5 / 50 + (110 * 49) / 50);

export type NetworkName = "constant" | "uniform" | "clusters" | "plane" | "internet";

export const NETWORKS: Readonly<Record<NetworkName, Network>> = {
	constant: { about: "20 ms one way", model: () => constant(20), roundTrip: 40 },
	uniform: { about: "10 to 100 ms, each time anew", model: () => uniform(10, 100), roundTrip: 110 },
	clusters: {
		about: "50 clusters, 5 ms inside, 20 to 200 ms between",
		model: () => clusters(CITIES),
		roundTrip: CITIES_MEAN,
	},
	plane: {
		about: "hosts on a plane of 100 by 100 ms",
		model: () => coordinates(),
		roundTrip: 2 * (52.14 + 1),
	},
	internet: {
		about: "the clusters, with 3 ms of jitter and 1 % of loss",
		model: () => lossy(jittered(clusters(CITIES), 3), 0.01),
		roundTrip: CITIES_MEAN + 2 * (1.5 + 2),
	},
};

export function isNetworkName(name: string): name is NetworkName {
	return Object.hasOwn(NETWORKS, name);
}
