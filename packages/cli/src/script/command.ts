/** What one line of a script says. Times are in seconds. */
export type Command =
	| {
			readonly verb: "SEND";
			readonly host: string;
			readonly port: number;
			readonly data: string;
	  }
	| { readonly verb: "BCAST"; readonly data: string }
	| { readonly verb: "RECV"; readonly count: number }
	| { readonly verb: "EXPECT"; readonly text: string }
	| { readonly verb: "OPT"; readonly settings: Settings }
	| { readonly verb: "WAIT"; readonly seconds: number; readonly peers: number }
	| { readonly verb: "PAUSE"; readonly seconds: number }
	| { readonly verb: "ECHO"; readonly text: string };

/** What OPT sets. */
export interface Settings {
	/** Extra copies of each message, by other routes. */
	readonly duplicates?: number;
}

/** A command and the line that it stands in, from 1. */
export interface Step {
	readonly line: number;
	readonly command: Command;
}

/** What is wrong with a script, and where: line and column from 1. */
export interface Problem {
	readonly line: number;
	readonly column: number;
	readonly message: string;
}
