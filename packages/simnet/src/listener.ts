import type { Link, LinkHandler, Listener } from "./ports.ts";
import type { Address } from "./ports.ts";
import type { Process } from "./process.ts";

/** A port on which a process accepts links. */
export class SimListener implements Listener {
	readonly address: Address;
	readonly process: Process;
	readonly accept: (link: Link) => LinkHandler;

	constructor(process: Process, address: Address, accept: (link: Link) => LinkHandler) {
		this.process = process;
		this.address = address;
		this.accept = accept;
	}

	/** Whether it still accepts. */
	get listening(): boolean {
		return this.process.machine.listeners?.get(this.address.port) === this;
	}

	/** Whether links that were dialled to `ip` are its own. */
	takes(ip: string): boolean {
		const { host } = this.address;
		return host === ip || host === "0.0.0.0" || host === "::";
	}

	close(): Promise<void> {
		if (this.listening) this.process.machine.listeners?.delete(this.address.port);
		return Promise.resolve();
	}
}
