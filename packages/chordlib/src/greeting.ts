import { ChordError } from "./errors.ts";
import { LinkHandshake, type LinkSecurity, type Outcome } from "./secure/link-handshake.ts";
import { concat } from "./wire/concat.ts";
import { SIZE, sized } from "./wire/framer.ts";
import {
	type Hello,
	type Opening,
	type RefusalReason,
	SEALED,
	VERSIONS,
	decodeOpening,
	encodeOpening,
} from "./wire/messages.ts";

/** What the first words over a link depend on. */
export interface GreetingOptions {
	/** SHA-256 of the network's name. */
	readonly network: Uint8Array;
	/** Without it, links are not encrypted. */
	readonly security: LinkSecurity | undefined;
}

/**
 * The first words over a link: hellos in clear, and where links are encrypted, a handshake.
 *
 * ```text
 * not encrypted        dialler   hello ->
 *                                       <- hello, or a refusal   acceptor
 *
 * encrypted            dialler   hello, first message ->
 *                                       <- hello, second message, or a refusal   acceptor
 *                                third message, in one piece with what follows it ->
 * ```
 */
export class Greeting {
	readonly #options: GreetingOptions;
	readonly #dialled: boolean;
	readonly #write: (bytes: Uint8Array) => void;
	/** The other end, for error messages. */
	readonly #where: () => string;
	readonly #ours: Uint8Array;
	#theirs: Uint8Array | undefined;
	#handshake: LinkHandshake | undefined;
	#outcome: Outcome | undefined;
	#last: Uint8Array | undefined;
	/** What has come and is not whole. */
	#rest: Uint8Array = new Uint8Array(0);
	/** How much more may come, and whether it was more. */
	#room: number;
	exceeded = false;

	/** `link` is the one that it opens, and which this end may have dialled; `limit` bytes may come. */
	constructor(
		options: GreetingOptions,
		link: {
			readonly dialled: boolean;
			readonly write: (bytes: Uint8Array) => void;
			readonly where: () => string;
			readonly limit: number;
		},
	) {
		this.#options = options;
		this.#dialled = link.dialled;
		this.#write = link.write;
		this.#where = link.where;
		this.#room = link.limit;
		const { network, security } = options;
		const features = security === undefined ? 0 : SEALED;
		this.#ours = encodeOpening({ kind: "hello", ...VERSIONS, network, features });
	}

	/** What the handshake has come to; `undefined` until then, and where links are not encrypted. */
	get outcome(): Outcome | undefined {
		return this.#outcome;
	}

	/** What is still to be said when the greeting is done, in one piece with what comes first after it. */
	get last(): Uint8Array | undefined {
		return this.#last;
	}

	/** For the end that dialled: it speaks first. */
	begin(): void {
		const { security } = this.#options;
		if (security === undefined) {
			this.#write(this.#ours);
			return;
		}
		this.#handshake = new LinkHandshake(security, true, this.#ours);
		this.#write(concat([this.#ours, sized(this.#handshake.begin())]));
	}

	/**
	 * Takes what the other end says. When the greeting is done, gives what came after it; until then `undefined`.
	 * @throws ChordError `UNREACHABLE`, `INCOMPATIBLE`, `FORGED`, `MALFORMED`: the link is of no use then. Who dialled
	 * has been told why, in words.
	 */
	push(chunk: Uint8Array): Uint8Array | undefined {
		this.#rest = concat([this.#rest, chunk]);
		while (!this.#done()) {
			const taken = this.#theirs === undefined ? this.#takeHello() : this.#takeMessage();
			if (taken === 0) return undefined;
			this.#rest = this.#rest.subarray(taken);
			this.#room -= taken;
		}
		return this.#rest;
	}

	#done(): boolean {
		if (this.#options.security !== undefined) return this.#outcome !== undefined;
		return this.#theirs !== undefined;
	}

	/** Takes the other end's hello, if it is whole; gives how many bytes that were. */
	#takeHello(): number {
		const found = this.#decode();
		if (found === undefined) return 0;
		const { opening, length } = found;
		if (opening.kind === "refusal") {
			const code = opening.reason === "full" ? "UNREACHABLE" : "INCOMPATIBLE";
			throw new ChordError(code, `${this.#where()} refuses: ${opening.explanation}`);
		}
		this.#check(opening);
		this.#theirs = this.#rest.slice(0, length);
		const { security } = this.#options;
		if (!this.#dialled) {
			if (security === undefined) this.#write(this.#ours);
			else this.#handshake = new LinkHandshake(security, false, this.#theirs);
		}
		return length;
	}

	#decode(): { opening: Opening; length: number } | undefined {
		try {
			return decodeOpening(this.#rest, this.#room);
		} catch (error) {
			this.#refuse("protocol", "this port speaks the Cicada peer protocol");
			throw error;
		}
	}

	#check({ oldest, newest, network, features }: Hello): void {
		const ours = `${VERSIONS.oldest} to ${VERSIONS.newest}`;
		if (oldest > VERSIONS.newest || newest < VERSIONS.oldest) {
			this.#refuse("version", `this node speaks versions ${ours}`);
			throw this.#incompatible(
				`speaks protocol versions ${oldest} to ${newest}, this node ${ours}`,
			);
		}
		if (network.some((byte, index) => byte !== this.#options.network[index])) {
			this.#refuse("network", "this node belongs to another network");
			throw this.#incompatible("belongs to another network");
		}
		const sealed = this.#options.security !== undefined;
		if (((features & SEALED) !== 0) !== sealed) {
			this.#refuse("encryption", `this node's links are ${sealed ? "" : "not "}encrypted`);
			throw this.#incompatible(
				`has links that are ${sealed ? "not " : ""}encrypted, unlike this node's`,
			);
		}
	}

	/** Takes the other end's next handshake message, if it is whole. */
	#takeMessage(): number {
		const [high, low] = this.#rest;
		if (high === undefined || low === undefined) return 0;
		const end = SIZE + high * 256 + low;
		if (end > this.#room) {
			this.exceeded = true;
			throw new ChordError("MALFORMED", `a handshake message of ${end} bytes`);
		}
		if (this.#rest.length < end) return 0;
		this.#handle(this.#rest.slice(SIZE, end));
		return end;
	}

	#handle(message: Uint8Array): void {
		const reply = this.#answer(message);
		if (reply !== undefined) {
			const said = sized(reply);
			if (this.#dialled) this.#last = said;
			else this.#write(concat([this.#ours, said]));
		}
		this.#outcome = this.#handshake?.outcome;
	}

	#answer(message: Uint8Array): Uint8Array | undefined {
		const acceptorsHello = this.#dialled ? this.#theirs : this.#ours;
		try {
			return this.#handshake?.take(message, acceptorsHello ?? this.#ours);
		} catch (error) {
			if (error instanceof ChordError && error.code === "INCOMPATIBLE") {
				const open = this.#options.security?.secrets().length === 0;
				const what = open ? "has no secret, and yours has" : "has a secret, and yours is another";
				this.#refuse("secret", `this network ${what}`);
			}
			throw error;
		}
	}

	#refuse(reason: RefusalReason, explanation: string): void {
		if (!this.#dialled) this.#write(encodeOpening({ kind: "refusal", reason, explanation }));
	}

	#incompatible(how: string): ChordError {
		return new ChordError("INCOMPATIBLE", `${this.#where()} ${how}`);
	}
}
