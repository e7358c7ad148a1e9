import { guard } from "@cicada/chordlib";

import type { SwarmHooks } from "./options.ts";

/** The application's hooks, which can do no harm. */
export class Hooks {
	readonly #hooks: Partial<SwarmHooks>;
	readonly #failed: (error: unknown) => void;

	/** What a hook throws, or rejects with, goes to `failed`. */
	constructor(hooks: Partial<SwarmHooks>, failed: (error: unknown) => void) {
		this.#hooks = { ...hooks };
		this.#failed = failed;
	}

	has(name: keyof SwarmHooks): boolean {
		return this.#hooks[name] !== undefined;
	}

	call<Name extends keyof SwarmHooks>(name: Name, ...args: Parameters<SwarmHooks[Name]>): void {
		const hook = this.#hooks[name] as
			| ((...args: Parameters<SwarmHooks[Name]>) => unknown)
			| undefined;
		if (hook !== undefined) guard(() => hook(...args), this.#failed);
	}
}
