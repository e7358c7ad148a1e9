// Removes namespaces and a folder when its input ends.
import { rmSync } from "node:fs";

import { removeNamespaces } from "./namespaces.ts";

const [folder = "", ...names] = process.argv.slice(2);
process.stdin.resume().on("end", () => {
	void removeNamespaces(names).then(() => {
		rmSync(folder, { recursive: true, force: true });
	});
});
