import {
	Identity,
	LocalNode,
	type LocalNodeOptions,
	type NodeRecord,
	type NoticeType,
	type RemoteNode,
	formatAddress,
	systemCrypto,
	systemRandom,
} from "@cicada/chordlib";

import type { SwarmPeer } from "../src/index.ts";
import { type Handshakes, type Initiation, noiseHandshakes } from "../src/session/handshake.ts";
import {
	type Welcome,
	helloType,
	hereType,
	refusalType,
	sealedType,
	welcomeType,
	whoType,
} from "../src/session/messages.ts";
import { Session } from "../src/session/session.ts";
import { Trust } from "../src/trusted-hosts.ts";
import type { Swarm } from "./swarm.ts";

/** The frame of a routed message has `cicada/swarm/2/…`'s tag somewhere, then hops and a flag, then its body. */
const TYPES = [whoType, hereType, helloType, welcomeType, refusalType, sealedType] as const;

/** A message on its way through a relay. */
export interface Passing {
	readonly type: NoticeType<unknown>;
	/** A view of the frame from the origin's incarnation on: what is written there is what goes on. */
	readonly fields: Uint8Array;
	/** A view of the message itself. */
	readonly body: Uint8Array;
}

/** Calls `seen` with each message of a session that a node passes on. What it writes there is what goes on. */
export function tapping(seen: (passing: Passing) => void): NonNullable<LocalNodeOptions["hooks"]> {
	const tags = TYPES.map((type) => {
		const tag = Buffer.alloc(4);
		tag.writeUInt32BE(type.tag);
		return { type: type, tag };
	});
	return {
		send: (_link, packet) => {
			const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
			for (const { type, tag } of tags) {
				const at = bytes.indexOf(tag, 9);
				if (at === -1) continue;
				seen({ type, fields: packet.subarray(at - 6), body: packet.subarray(at + 6) });
				return;
			}
		},
	};
}

/** A member of a swarm whose links are encrypted: it keeps to the handshake, and says of itself whatever it likes. */
export class Forger {
	readonly node: LocalNode;
	readonly identity: Identity;
	readonly swarm: Swarm;
	readonly welcomes: Welcome[] = [];
	#number = 0;

	private constructor(swarm: Swarm, node: LocalNode, identity: Identity) {
		this.swarm = swarm;
		this.node = node;
		this.identity = identity;
	}

	static async join(
		swarm: Swarm,
		options: LocalNodeOptions & { readonly keyed?: boolean } = {},
	): Promise<Forger> {
		const { keyed = false, ...rest } = options;
		const host = swarm.simulation.host(`forger ${swarm.simulation.hosts.length}`);
		const identity = Identity.create(host.random);
		const ports = { clock: host.clock, random: host.random, transport: host.transport };
		const bind = { host: host.ip, port: 7000 };
		const data = keyed ? identity.publicKey : formatAddress;
		const node = new LocalNode(data, bind, {
			ports,
			identity,
			proof: "id",
			successors: 2,
			...rest,
		});
		await node.listen();
		await swarm.until(node.joinRing(swarm.first.listener));
		await swarm.simulation.run(10_000);
		const forger = new Forger(swarm, node, identity);
		node.handleRouted(welcomeType, (welcome) => forger.welcomes.push(welcome));
		return forger;
	}

	/** What a peer says of itself. */
	async recordOf(peer: RemoteNode | SwarmPeer): Promise<NodeRecord> {
		await this.swarm.until(this.node.link({ hash: peer.hash, address: peer.address }));
		const record = this.node.recordOf(peer.hash);
		if (record === undefined) throw new Error("no link");
		return record;
	}

	/** Its handshakes, with its own keys. */
	get handshakes(): Handshakes {
		return noiseHandshakes({
			crypto: systemCrypto,
			random: systemRandom,
			identity: this.identity,
			network: "",
			trust: new Trust(),
		});
	}

	/** Says hello, with any record. */
	greet(to: NodeRecord, record: Uint8Array): Initiation {
		const initiation = this.handshakes.initiate(++this.#number, to, { record, before: 0 });
		this.node.route(to.contact.hash, helloType, initiation.hello);
		return initiation;
	}

	/** Says hello, and says something in the session that comes of it; false when there is none. */
	async say(to: NodeRecord, record: Uint8Array, text: string): Promise<boolean> {
		this.welcomes.length = 0;
		const initiation = this.greet(to, record);
		await this.swarm.simulation.run(2_000);
		const [welcome] = this.welcomes;
		const agreed = welcome && initiation.read(welcome);
		if (agreed === undefined || typeof agreed === "string") return false;
		const numbers = { ours: initiation.hello.number, theirs: agreed.content.number };
		const party = { node: to.contact, record: to };
		const session = new Session(numbers, party, agreed.ciphers, 65_536, 0);
		const chunk = { start: true, end: true, data: new TextEncoder().encode(text) };
		const packet = { kind: "packet", lane: "inbox", number: 0, base: 0, chunks: [chunk] } as const;
		const { type, body } = session.say(packet);
		this.node.route(to.contact.hash, type, body);
		await this.swarm.simulation.run(2_000);
		return true;
	}
}
