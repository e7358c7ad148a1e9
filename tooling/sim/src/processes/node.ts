/**
 * One node: the program that each process of the ring runs. It does what it is told over the channel, and ends when
 * that closes, as it does however the other end ends.
 *
 * @module
 */
import { type Address, formatAddress } from "@cicada/chordlib";

import { type Report, ReportingNode } from "./report.ts";

/** What a process is told to do. */
export type Order =
	| { readonly kind: "listen"; readonly name: string; readonly bind: Address }
	| { readonly kind: "join"; readonly through: readonly Address[] }
	| { readonly kind: "lookup"; readonly key: string };

/** What it tells: what the oracles want to know, and how orders went. */
export type Word =
	| Report
	| { readonly kind: "listening"; readonly address: Address }
	| { readonly kind: "failed"; readonly order: "listen" | "join"; readonly why: string };

process.on("disconnect", () => process.exit());

let reporting: ReportingNode | undefined;

const say = (word: Word): void => {
	process.send?.(word);
};

const listen = async (name: string, bind: Address): Promise<void> => {
	reporting = new ReportingNode(name, bind, say);
	await reporting.listen();
	say({ kind: "listening", address: reporting.node.address });
};

const obey = async (order: Order): Promise<void> => {
	switch (order.kind) {
		case "listen":
			return listen(order.name, order.bind);
		case "join":
			return reporting?.join(order.through);
		default:
			return reporting?.lookup(order.key);
	}
};

process.on("message", (order: Order) => {
	obey(order).catch((error: unknown) => {
		if (order.kind === "lookup") throw error;
		const where = order.kind === "join" ? order.through : [order.bind];
		const why = `${where.map((address) => formatAddress(address)).join()}: ${String(error)}`;
		say({ kind: "failed", order: order.kind, why });
	});
});
