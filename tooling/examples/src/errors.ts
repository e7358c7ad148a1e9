// What goes wrong has a code.
import { SwarmError, SwarmPeer } from "@cicada/swarmlib";

const friend = await new SwarmPeer().bind("127.0.0.1", 0);

// #region codes
/** The code of what an operation rejects with. */
const codeOf = async (operation: Promise<unknown>): Promise<string> => {
	try {
		await operation;
		return "no error";
	} catch (error) {
		if (error instanceof SwarmError) return error.code;
		throw error; // Not ours: an abort rejects with its signal's reason.
	}
};

const peer = new SwarmPeer();
console.log(await codeOf(peer.send(["127.0.0.1", 7000], "hello"))); // NOT_BOUND
console.log(await codeOf(peer.bind("127.0.0.1", 80))); // INVALID_PORT
await peer.bind("127.0.0.1", 0);
console.log(await codeOf(peer.connect("127.0.0.1", 1))); // UNREACHABLE
await peer.connect(friend.listener);
console.log(await codeOf(peer.send(["127.0.0.1", 7], "hello"))); // NOT_FOUND
console.log(await codeOf(peer.recv({ timeout: 10 }))); // TIMEOUT
// #endregion

await peer.disconnect();
const stranger = await new SwarmPeer({ network: "another" }).bind("127.0.0.1", 0);
console.log(await codeOf(peer.connect(stranger.listener)));

// #region abort
const stop = new AbortController();
const waiting = peer.recv({ signal: stop.signal });
stop.abort(new Error("no longer interested"));
console.log(await waiting.catch((error: Error) => error.message)); // no longer interested
// #endregion

await Promise.all([peer.close(), friend.close(), stranger.close()]);
console.log(await codeOf(peer.recv()));
