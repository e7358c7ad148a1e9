import { Cutter } from "./cutter.ts";
import { LinkError, type LinkErrorCode } from "./errors.ts";
import type { SimListener } from "./listener.ts";
import type { Machine } from "./machine.ts";
import { Outbox } from "./outbox.ts";
import { Persistence } from "./persist.ts";
import type { Address, Link, LinkHandler } from "./ports.ts";
import type { Process } from "./process.ts";
import { Credit, Linger, Segment } from "./segment.ts";

/** One end of a link. */
export class LinkEnd implements Link {
	readonly id: number;
	readonly process: Process;
	readonly local: Address;
	readonly remote: Address;
	/** Nothing comes after this. */
	closed = false;
	/** What it sends is lost without a word. */
	mute = false;
	/** Neighbours in the list of the process. */
	before: LinkEnd | undefined;
	after: LinkEnd | undefined;
	/** The other end; none while it is dialled. */
	peer: LinkEnd | undefined;
	#handler: LinkHandler | undefined;
	#listener: SimListener | undefined;
	#outbox: Outbox | undefined;
	#cutter: Cutter | undefined;
	/** When the last thing that was sent arrives: nothing overtakes it. */
	#arrival = 0;
	#inFlight = 0;
	#lastUse = 0;
	/** The other end has not been told yet that it was accepted. */
	#greet = false;
	#closing = false;
	#endSent = false;
	#endSeen = false;
	/** It has closed, and a wall kept it from saying so. */
	#owesEnd = false;
	persistence: Persistence | undefined;
	/** What an interception holds back on its way here, and until when (microseconds). */
	kept = 0;
	keptUntil = 0;

	constructor(
		process: Process,
		id: number,
		local: Address,
		remote: Address,
		handler: LinkHandler | undefined,
	) {
		this.process = process;
		this.id = id;
		this.local = local;
		this.remote = remote;
		this.#handler = handler;
		if (!process.alive) this.closed = true;
	}

	get machine(): Machine {
		return this.process.machine;
	}

	get buffered(): number {
		return this.#outbox?.size ?? 0;
	}

	send(bytes: Uint8Array): void {
		if (this.closed || this.#closing || this.#endSeen || bytes.length === 0) return;
		this.machine.world.note("send", this.machine, this.id, bytes.length);
		if (this.#outbox === undefined && this.#free(bytes.length)) {
			this.#transmit(bytes);
			return;
		}
		this.#outbox ??= new Outbox();
		this.#outbox.push(bytes);
		this.pump();
	}

	close(): void {
		if (this.closed || this.#closing) return;
		this.#closing = true;
		const { world } = this.machine;
		world.at(world.now + world.rules.linger, new Linger(this));
		this.pump();
	}

	destroy(): void {
		if (this.closed) return;
		this.#leave();
		this.#tell("reset");
	}

	/** The dialled machine has answered: `far` is the other end, and is to be accepted. */
	meet(far: LinkEnd, listener: SimListener): void {
		this.peer = far;
		far.peer = this;
		far.#listener = listener;
		if (far.closed) return;
		far.process.adopt(far);
		this.#lastUse = this.machine.world.now;
		this.#greet = true;
		this.pump();
	}

	opened(): void {
		this.machine.world.note("open", this.machine, this.id, 0);
		this.#handler?.open();
	}

	accepted(): void {
		const listener = this.#listener;
		if (listener === undefined) return;
		this.#listener = undefined;
		if (!listener.listening) {
			this.destroy();
			return;
		}
		this.machine.world.note("accept", this.machine, this.id, 0);
		this.#handler = listener.accept(this);
	}

	/** Bytes have reached the process. */
	arrived(bytes: Uint8Array): void {
		if (!this.machine.world.rules.cut) {
			this.deliver(bytes);
			return;
		}
		this.#cutter ??= new Cutter(this, this.machine.stream(4, this.id));
		this.#cutter.add(bytes);
	}

	/** Gives bytes to the owner. */
	deliver(bytes: Uint8Array): void {
		const { machine } = this;
		machine.world.note("data", machine, this.id, bytes.length, bytes);
		this.#handler?.data(bytes);
	}

	/** The other end sends nothing any more. */
	ended(): void {
		if (this.#cutter?.end() !== true) this.finished();
	}

	/** All that the other end sent has been delivered. */
	finished(): void {
		this.#endSeen = true;
		this.#closing = true;
		if (this.#outbox === undefined) this.#finish();
		else this.pump();
	}

	/** Ends with an error. */
	fail(code: LinkErrorCode, what: string): void {
		if (this.closed) return;
		this.#shut();
		const { machine } = this;
		machine.world.note("close", machine, this.id, 0);
		this.#handler?.close(new LinkError(code, what));
	}

	/** Something between the ends resets both. */
	snap(): void {
		const { peer } = this;
		this.#snapped();
		if (peer !== undefined) peer.#snapped();
	}

	/** Its process has died. */
	orphan(silent: boolean): void {
		this.#shut();
		if (!silent) this.#tell("reset");
	}

	/** Something came for it after it had closed: the kernel answers with a reset. */
	refuse(): void {
		this.#tell("reset");
	}

	/** Bytes that it may send now. */
	get ready(): number {
		if (this.closed || this.peer === undefined) return 0;
		const room = this.machine.world.rules.window - this.#inFlight;
		return Math.max(0, Math.min(this.buffered, room));
	}

	/** The uplink has sent `size` bytes of it. */
	depart(size: number): void {
		const outbox = this.#outbox;
		if (this.closed || outbox === undefined) return;
		if (this.#blocked()) {
			this.#stall();
			return;
		}
		for (let left = Math.min(size, outbox.size); left > 0;) {
			const bytes = outbox.take(left);
			left -= bytes.length;
			this.#transmit(bytes);
		}
		this.pump();
	}

	/** The other end has read bytes: they make room after the way back. */
	consumed(bytes: number): void {
		if (this.closed) return;
		if (this.#outbox === undefined) {
			this.#inFlight -= bytes;
			return;
		}
		const { world } = this.machine;
		const from = (this.peer as LinkEnd).machine;
		world.at(world.now + world.delay(from, this.machine), new Credit(this, bytes));
	}

	credited(bytes: number): void {
		this.#inFlight -= bytes;
		this.pump();
	}

	/** Something that it sent was not acknowledged. */
	persist(): void {
		if (!this.closed) this.persistence ??= new Persistence(this);
	}

	/** What becomes of what it sends: it arrives; it is answered with a reset; nothing at all. */
	path(): "clear" | "gone" | "lost" {
		const { peer } = this;
		if (peer === undefined || this.mute || !peer.machine.up || this.#blocked()) return "lost";
		return peer.closed ? "gone" : "clear";
	}

	/** Sends what can go out. */
	pump(): void {
		const { peer } = this;
		if (this.#owesEnd) this.#tell("end");
		if (this.closed || peer === undefined) return;
		if (this.#blocked()) {
			this.#stall();
			return;
		}
		if (this.#greet) {
			this.#greet = false;
			this.#schedule(new Segment(peer, "accept", undefined), 0);
		}
		const outbox = this.#outbox;
		if (outbox !== undefined) {
			if (this.machine.uplink === undefined) this.#flush(outbox);
			else if (this.ready > 0) this.machine.uplink.enter(this);
			if (outbox.size > 0) return;
			this.#outbox = undefined;
			this.#drained();
		}
		if (this.#closing) this.#finish();
	}

	#flush(outbox: Outbox): void {
		for (let size = this.ready; size > 0; size = this.ready) this.#transmit(outbox.take(size));
	}

	#snapped(): void {
		if (this.closed) return;
		this.#shut();
		this.process.clock.defer(() => {
			this.machine.world.note("close", this.machine, this.id, 0);
			this.#handler?.close(new LinkError("ECONNRESET", "the network has reset the link"));
		});
	}

	/** Whether bytes can go straight out. */
	#free(size: number): boolean {
		const { machine } = this;
		return (
			this.peer !== undefined &&
			machine.uplink === undefined &&
			this.#inFlight + size <= machine.world.rules.window &&
			!this.#blocked()
		);
	}

	#blocked(): boolean {
		if (this.mute || this.peer === undefined) return false;
		return this.machine.world.network.blocked(this.machine, this.peer.machine);
	}

	#stall(): void {
		this.machine.world.network.stall(this);
		this.persist();
	}

	#drained(): void {
		this.process.clock.defer(() => {
			if (this.closed || this.#closing || this.#outbox !== undefined) return;
			this.machine.world.note("drain", this.machine, this.id, 0);
			this.#handler?.drain();
		});
	}

	/** All has gone out, and it is to close. */
	#finish(): void {
		if (!this.#endSent) {
			this.#endSent = true;
			if (this.#endSeen) this.#tell("end");
			else this.#schedule(new Segment(this.peer as LinkEnd, "end", undefined), 0);
		}
		if (!this.#endSeen) return;
		this.#leave();
	}

	/** Sends a signal after which the link is no more; a reset that does not get through is not repeated. */
	#tell(signal: "end" | "reset"): void {
		const { peer } = this;
		if (peer === undefined) return;
		const { network } = this.machine.world;
		this.#owesEnd = signal === "end" && this.#blocked();
		if (this.#owesEnd) network.stall(this);
		if (this.#blocked()) return;
		this.#schedule(new Segment(peer, signal, undefined), 0);
	}

	#transmit(bytes: Uint8Array): void {
		const { machine } = this;
		const { intercept } = machine;
		this.#use();
		let chunk = bytes;
		let extra = 0;
		if (intercept !== undefined) {
			const fate = intercept.judge(this, bytes, "out");
			if (fate === undefined) return;
			chunk = fate;
			extra = intercept.delay;
		}
		if (machine.world.rules.window < Infinity) this.#inFlight += chunk.length;
		this.#schedule(new Segment(this.peer as LinkEnd, "data", chunk), extra);
	}

	/** A router between that has forgotten the link loses all that is sent on it from now on. */
	#use(): void {
		const { world, nat } = this.machine;
		const peer = this.peer as LinkEnd;
		const far = peer.machine.nat;
		if (nat === far) return;
		const idle = Math.min(nat?.idle ?? Infinity, far?.idle ?? Infinity);
		if (world.now - this.#lastUse > idle) {
			this.mute = true;
			peer.mute = true;
		}
		this.#lastUse = world.now;
		peer.#lastUse = world.now;
	}

	#schedule(segment: Segment, extra: number): void {
		const { machine } = this;
		const { world } = machine;
		const far = (this.peer as LinkEnd).machine;
		if (this.mute) {
			world.note("lost", machine, this.id, 0);
			this.persist();
			return;
		}
		const at = Math.max(world.now + world.delay(machine, far) + extra, this.#arrival);
		this.#arrival = at;
		world.at(at, segment);
	}

	/** Closes in good order, and tells the owner when what runs now has finished. */
	#leave(): void {
		this.#shut();
		this.process.clock.defer(() => {
			this.machine.world.note("close", this.machine, this.id, 0);
			this.#handler?.close();
		});
	}

	#shut(): void {
		this.closed = true;
		this.#outbox = undefined;
		this.#cutter = undefined;
		this.process.release(this);
		if (!this.#owesEnd) this.machine.world.network.forget(this);
	}
}
