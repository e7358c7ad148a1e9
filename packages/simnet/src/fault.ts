/** Something that goes wrong, or is mended. Hosts are named by their names; this is plain JSON. */
export type Fault =
	/**
	 * The process dies. Its links are reset; with `silent` the machine goes with it, and nobody is told:
	 * links to it stay, what is sent on them is lost, and who dials it waits in vain.
	 */
	| { readonly kind: "crash"; readonly host: string; readonly silent?: boolean }
	/** A new process starts on the machine: one that has crashed, been stopped, or never ran. One that runs is killed first. */
	| { readonly kind: "restart"; readonly host: string }
	/** The process is stopped. The machine lives: it completes connections, and what comes for the process waits. */
	| { readonly kind: "pause"; readonly host: string }
	/** The process goes on, with all that has come for it meanwhile. */
	| { readonly kind: "resume"; readonly host: string }
	/** The process needs `ms` milliseconds for each thing that happens to it, one after the other. 0 ends it. */
	| { readonly kind: "slow"; readonly host: string; readonly ms: number }
	/** All that the host sends and gets takes `ms` milliseconds longer. 0 ends it. */
	| { readonly kind: "lag"; readonly host: string; readonly ms: number }
	/** The host's clock leaps ahead by `jump` milliseconds (0), and runs at `rate` times true time from now on (unchanged). */
	| { readonly kind: "skew"; readonly host: string; readonly rate?: number; readonly jump?: number }
	/**
	 * Nothing gets from the one hosts to the others (all that there are by then when `to` is left out), nor back unless `oneWay`.
	 * Links stay open, and what is sent on them waits. `name` is for `heal`.
	 */
	| {
			readonly kind: "partition";
			readonly from: readonly string[];
			readonly to?: readonly string[];
			readonly oneWay?: boolean;
			readonly name?: string;
	  }
	/** The partitions of this name, or all, end. What waited goes on its way. */
	| { readonly kind: "heal"; readonly name?: string }
	/** What `from` sends to `to` on the links that there are now is lost for good, without a word; the other direction works. */
	| { readonly kind: "halfOpen"; readonly from: string; readonly to: string }
	/** The links that there are now between two hosts are reset at both ends. */
	| { readonly kind: "break"; readonly a: string; readonly b: string };

/** A fault, and when. */
export type TimedFault = Fault & {
	/** Virtual milliseconds from the start. */
	readonly at: number;
};
