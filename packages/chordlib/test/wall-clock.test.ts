import { expect, test, vi } from "vitest";

import type { Clock } from "../src/index.ts";
import { CipherState } from "../src/secure/cipher-state.ts";
import { Ring, nameOf } from "./ring.ts";

// The wall clock of a machine is set, forth or back: nothing that nodes do goes by it.

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** A clock whose wall clock can be set, and nothing else of it. */
class SetClock implements Clock {
	readonly #clock: Clock;
	/** Seconds by which it is wrong. */
	wrong = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	now(): number {
		return this.#clock.now();
	}

	wall(): number {
		return this.#clock.wall() + this.wrong;
	}

	schedule(delay: number, run: () => void): { cancel(): void } {
		return this.#clock.schedule(delay, run);
	}

	defer(run: () => void): void {
		this.#clock.defer(run);
	}
}

test("a wall clock that is set by an hour or a day ends no link, renews no key early, and keeps nobody out", async () => {
	const ring = new Ring(1, { encryption: "required", limits: { ping: 1_000, dead: 3_000 } });
	const clocks: SetClock[] = [];
	for (let n = 0; n < 8; n++) {
		const host = ring.host(`node ${n}`);
		const clock = new SetClock(host.clock);
		const ports = { clock, random: host.random, transport: host.transport };
		const through = ring.sorted[0];
		const node = await ring.add(`node ${n}`, { ports }, host);
		if (through !== undefined) await ring.until(node.joinRing(through.address));
		clocks.push(clock);
	}
	await ring.settle();
	await ring.simulation.run(30_000);
	const lost: string[] = [];
	for (const node of ring.nodes) node.on("unlink", ({ peer }) => lost.push(nameOf(peer)));
	const rekey = vi.spyOn(CipherState.prototype, "rekey");
	for (const wrong of [HOUR, -HOUR, DAY, -DAY, 0]) {
		// Of half of them at once, and then of all.
		for (const some of [clocks.slice(0, 4), clocks]) {
			for (const clock of some) clock.wrong = wrong;
			await ring.simulation.run(5_000);
			expect(await ring.wrongLookups(), `${wrong} s`).toEqual([]);
			expect(lost, `${wrong} s`).toEqual([]);
		}
		const newcomer = await ring.add(`newcomer ${wrong}`);
		await ring.until(newcomer.joinRing(ring.sorted[0]!.address));
		expect(newcomer.standing).toBe("member");
		await newcomer.close();
		ring.nodes.delete(newcomer);
		await ring.settle();
		lost.length = 0;
	}
	expect(rekey).not.toHaveBeenCalled();
	expect([...ring.nodes].map(({ stats }) => stats.reached.dead)).toEqual(Array(8).fill(0));
	rekey.mockRestore();
});
