// Two peers, and a message from one to the other.
import { type Receipt, type Received, SwarmError, SwarmPeer } from "@cicada/swarmlib";

export const exchange = async (sentence: string): Promise<readonly [Receipt, Received]> => {
	const first = await new SwarmPeer().bind("127.0.0.1", 0);
	const second = await new SwarmPeer().bind("127.0.0.1", 0);
	try {
		await second.connect(first.listener);
		const receipt = await second.send(first, sentence, { timeout: 5000 });
		return [receipt, await first.recv({ signal: new AbortController().signal })];
	} finally {
		await Promise.all([first.close(), second.close()]);
	}
};

export const codeOf = (error: unknown): string | undefined =>
	error instanceof SwarmError ? error.code : undefined;
