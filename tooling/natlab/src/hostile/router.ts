import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { type Behaviour, behaviours, THEIRS } from "./behaviours.ts";
import { callOf, type Row, type State } from "./honest.ts";

const PMP = 5351;

/** Where a scripted router lives. */
export interface Place {
	readonly host: string;
	/** Another address of its machine, from which it forges answers. */
	readonly other: string;
	/** Where it hears searches; without, at the multicast address of SSDP. */
	readonly ssdpPort?: number;
}

/** A router that answers as it is told: one of {@link behaviours}. */
export class HostileRouter {
	readonly #state: State;
	readonly #http: Server;
	readonly #ssdp: Socket;
	readonly #pmp: Socket;
	readonly #forgers: Readonly<Record<"other port" | "other host", Socket>>;
	readonly #asked: string[] = [];
	#behaviour: Behaviour = {};
	#calls = 0;
	#datagrams = 0;
	#closed = false;

	private constructor(host: string, http: Server, [ssdp, pmp, port, other]: readonly Socket[]) {
		if (!ssdp || !pmp || !port || !other) throw new Error("four sockets");
		const httpPort = (http.address() as AddressInfo).port;
		this.#state = { host, httpPort, externalIp: "198.51.101.1", table: new Map() };
		this.#http = http;
		this.#ssdp = ssdp;
		this.#pmp = pmp;
		this.#forgers = { "other port": port, "other host": other };
		http.on("request", (request, response) => {
			void this.#answer(request, response);
		});
		ssdp.on("message", (search, { address, port }) => {
			this.#search(String(search), address, port);
		});
		pmp.on("message", (request, { address, port }) => {
			this.#asked.push("NAT-PMP");
			this.#datagrams++;
			this.#behaviour.pmp?.(
				this.#state,
				request,
				(answer, from) => {
					if (this.#closed) return;
					(from === undefined ? this.#pmp : this.#forgers[from]).send(answer, port, address);
				},
				this.#datagrams,
			);
		});
	}

	static async create({ host, other, ssdpPort }: Place): Promise<HostileRouter> {
		const http = createServer().listen(0, host);
		await once(http, "listening");
		const bind = async (address: string, port: number): Promise<Socket> => {
			const socket = createSocket({ type: "udp4", reuseAddr: true });
			// Who asked may be gone.
			socket.on("error", () => {});
			socket.bind(port, address);
			await once(socket, "listening");
			return socket;
		};
		const ssdp = await bind(ssdpPort === undefined ? "0.0.0.0" : host, ssdpPort ?? 1900);
		if (ssdpPort === undefined) ssdp.addMembership("239.255.255.250", host);
		return new HostileRouter(host, http, [
			ssdp,
			await bind(host, PMP),
			await bind(host, 0),
			await bind(other, PMP),
		]);
	}

	/** Behaves so from now on, with an empty table. */
	behave(name: string): void {
		const make = behaviours[name];
		if (make === undefined) throw new Error(`no such behaviour: ${name}`);
		this.#behaviour = make();
		this.#state.table.clear();
		this.#asked.length = 0;
		this.#calls = 0;
		this.#datagrams = 0;
	}

	/** What it was asked: paths, actions, `NAT-PMP`. */
	get asked(): readonly string[] {
		return this.#asked;
	}

	/** What it has mapped, but for other machines. */
	get table(): readonly Row[] {
		return [...this.#state.table.values()].filter((row) => row !== THEIRS);
	}

	async close(): Promise<void> {
		this.#closed = true;
		this.#http.close();
		this.#http.closeAllConnections();
		const sockets = [this.#ssdp, this.#pmp, ...Object.values(this.#forgers)];
		for (const socket of sockets) socket.close();
		await Promise.resolve();
	}

	#search(search: string, address: string, port: number): void {
		const target = /^ST: *(.*)$/m.exec(search)?.[1]?.trim();
		const answer = this.#behaviour.ssdp?.(this.#state);
		if (answer === undefined || !target?.includes("InternetGatewayDevice:1")) return;
		const { delay = 0, locations = [], raw = [] } = answer;
		for (const text of raw) this.#ssdp.send(text, port, address);
		setTimeout(() => {
			if (this.#closed) return;
			for (const location of locations) {
				const lines = ["HTTP/1.1 200 OK", `ST: ${target}`, `LOCATION: ${location}`, "EXT:", "", ""];
				this.#ssdp.send(lines.join("\r\n"), port, address);
			}
		}, delay).unref();
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		response.on("error", () => {});
		const chunks: Uint8Array[] = [];
		try {
			for await (const chunk of request) chunks.push(chunk as Uint8Array);
		} catch {
			return;
		}
		const path = request.url ?? "";
		if (request.method === "POST") {
			const call = callOf(
				path,
				String(request.headers["soapaction"]),
				Buffer.concat(chunks).toString(),
			);
			this.#asked.push(call.action);
			this.#calls++;
			const { status = 500, body = "" } =
				this.#behaviour.call?.(this.#state, call, this.#calls) ?? {};
			response.writeHead(status).end(body);
			return;
		}
		this.#asked.push(path);
		const described = this.#behaviour.describe?.(this.#state) ?? "";
		if (typeof described === "function") described(response);
		else response.writeHead(200, { "Content-Type": "text/xml" }).end(described);
	}
}
