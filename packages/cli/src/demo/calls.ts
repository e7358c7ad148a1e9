/**
 * What the demo asks of its peers' processes, over the channel that Node opens between a process and those that
 * it forks. Only JSON passes: ids are hexadecimal, bytes stay where they are.
 */

/** Where a peer listens, and its id on the ring. */
export interface Place {
	readonly host: string;
	readonly port: number;
	readonly id: string;
}

/** One message to send. */
export interface Order {
	/** Tells this message from all others of the run. */
	readonly message: number;
	readonly to: Place;
	/** Extra copies by other routes. */
	readonly duplicates: number;
	/** Send nothing if there is a link to the target right now. */
	readonly unlessLinked: boolean;
}

/** What became of it, as its sender sees it. */
export type Fate =
	| {
			readonly outcome: "delivered";
			readonly hops: number;
			readonly rtt: number;
			/** Whether there was a link to the target by then. */
			readonly linked: boolean;
	  }
	| { readonly outcome: "rejected"; readonly why: string }
	| { readonly outcome: "linked" };

/** A message that a peer received. */
export interface Arrival {
	readonly message: number;
	/** The id of the peer that sent it. */
	readonly from: string;
}

/** Each call: what goes to the peer, what comes back. */
export interface Calls {
	/** Takes a port, and answers where that is. */
	bind: { takes: null; gives: Place };
	/** Joins the ring through a peer. */
	join: { takes: Place; gives: null };
	/** The ids of the peers to which it holds a link. */
	links: { takes: null; gives: string[] };
	send: { takes: Order; gives: Fate };
	broadcast: { takes: number; gives: { reached: number } };
	/** Answers once its place in the ring is exact; see `untilExact` in peer.ts. */
	exact: { takes: { next: string; gone: string[] }; gives: null };
	/** Everything that it received, each time that it did. */
	received: { takes: null; gives: Arrival[] };
	/** Closes the peer. Its process then has nothing left to do and ends by itself. */
	close: { takes: null; gives: null };
}

export interface Request<Name extends keyof Calls = keyof Calls> {
	readonly call: number;
	readonly name: Name;
	readonly takes: Calls[Name]["takes"];
}

export type Response =
	| { readonly call: number; readonly gives: Calls[keyof Calls]["gives"] }
	| { readonly call: number; readonly failed: string };
