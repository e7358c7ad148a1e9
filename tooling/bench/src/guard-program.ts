// A node in a process of its own that tells how much of the processor it has taken. Started by guard.ts.
import type { LocalNodeOptions } from "@cicada/chordlib";

import { listen } from "./ring.ts";

const [, , options = "{}"] = process.argv;
const node = await listen(JSON.parse(options) as LocalNodeOptions);
process.on("disconnect", () => process.exit());
process.on("message", () => {
	const { user, system } = process.cpuUsage();
	process.send?.(user + system);
});
process.send?.(node.address.port);
