import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** How many of these are still there once all garbage is collected. */
export async function alive(references: readonly WeakRef<object>[]): Promise<number> {
	// What was made or looked at in one turn of the event loop lives until its end.
	await new Promise((resolve) => void setImmediate(resolve));
	collect();
	return references.filter((reference) => reference.deref() !== undefined).length;
}
