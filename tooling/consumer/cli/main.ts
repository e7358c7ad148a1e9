// The command as a function: everything that it has around it is given.
import { PassThrough } from "node:stream";

import { Interruption, type Surroundings, cicada, exitCodes } from "@cicada/cli";

export const help = async (): Promise<boolean> => {
	const interruption = new AbortController();
	const around: Surroundings = {
		stdin: process.stdin,
		stdout: new PassThrough(),
		stderr: process.stderr,
		env: process.env,
		interrupted: interruption.signal,
	};
	interruption.abort(new Interruption("not needed", 130));
	return (await cicada(["--help"], around)) === exitCodes.DONE;
};
