// What the lab runs on its machines: mappers, mappings and listeners by number, asked over its input.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

import { serve, tell } from "@cicada/natlab";
import { localAddress, NatPMP, PortMapping, UPnP } from "@cicada/traversal";

/** @type {Map<string, any>} */
const things = new Map();
/** @type {AbortController} */
const abort = new AbortController();

/** @type {(name: string, thing: any) => void} */
const keep = (name, thing) => {
	things.set(name, thing);
	for (const type of ["renewed", "moved", "lost"]) {
		thing.on(type, (/** @type {unknown} */ data) => {
			tell(type, data);
		});
	}
};

/** @type {(mapping: PortMapping) => object} */
const state = (mapping) => ({
	port: mapping.port,
	externalPort: mapping.externalPort,
	externalIp: mapping.externalIp,
	localAddress: mapping.localAddress,
	by: mapping.mapper.name,
	mappings: mapping.mapper.mappings,
});

serve({
	/** Opens a mapping. */
	open: async (/** @type {number} */ port, options = {}, name = "mapping") => {
		const { abortable, ...rest } = /** @type {any} */ (options);
		const mapping = new PortMapping(port, { ...rest, ...(abortable && { signal: abort.signal }) });
		keep(name, mapping);
		const started = performance.now();
		try {
			await mapping.open();
		} catch (error) {
			throw Object.assign(/** @type {Error} */ (error), { took: performance.now() - started });
		}
		return state(mapping);
	},
	state: (name = "mapping") => state(things.get(name)),
	abort: () => {
		abort.abort(new Error("enough"));
	},
	/** Makes a mapper and finds its gateway. */
	create: async (/** @type {string} */ kind, options = {}) => {
		const mapper = kind === "UPnP" ? new UPnP() : new NatPMP();
		keep(kind, mapper);
		await mapper.create(options);
		return { externalIp: mapper.externalIp, localAddress: mapper.localAddress };
	},
	/** Maps a port by a mapper or a mapping of its own, which is told by name later. */
	map: async (/** @type {string} */ kind, /** @type {number} */ port) => {
		if (kind === "PortMapping") {
			const mapping = new PortMapping(port);
			keep("mapped", mapping);
			await mapping.open();
			return state(mapping);
		}
		const mapper = kind === "UPnP" ? new UPnP() : new NatPMP();
		keep("mapped", mapper);
		await mapper.create();
		const mapped = await mapper.addPortMapping(port, port);
		return { externalIp: mapper.externalIp, ...mapped };
	},
	/** Takes a UDP port. */
	occupy: (/** @type {number} */ port) =>
		new Promise((resolve) => {
			const socket = createSocket("udp4");
			things.set("occupied", socket);
			socket.bind(port, () => {
				resolve(undefined);
			});
		}),
	release: () => {
		things.get("occupied").close();
	},
	/** Calls a method of a mapping or mapper, and answers how many milliseconds it took. */
	on: async (/** @type {string} */ name, /** @type {string} */ method, ...args) =>
		(await things.get(name)[method](...args)) ?? null,
	localAddress: () => localAddress(),
	/** Listens for words, and sends them back. */
	listen: async (/** @type {number} */ port, protocol = "tcp") => {
		const server =
			protocol === "tcp" ? createServer((socket) => socket.pipe(socket)) : createSocket("udp4");
		if ("bind" in server) {
			server.on("message", (word, { address, port }) => {
				server.send(word, port, address);
			});
		}
		await new Promise((resolve) => {
			if ("bind" in server) server.bind(port, () => resolve(undefined));
			else server.listen(port, () => resolve(undefined));
		});
		server.unref();
	},
	/** What would keep the process from ending, but for the way here. What was closed is gone a moment later. */
	handles: async () => {
		for (let times = 0; times < 3; times++) {
			await new Promise((resolve) => {
				setImmediate(resolve);
			});
		}
		return process
			.getActiveResourcesInfo()
			.filter((name) => !["PipeWrap", "TCPServerWrap", "Immediate"].includes(name));
	},
});
