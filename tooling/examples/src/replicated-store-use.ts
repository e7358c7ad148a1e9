// Five nodes of the replicated store. One leaves without a word to the store, another one comes: nothing is lost.
import { ReplicatedStore } from "./replicated-store.ts";

const first = await new ReplicatedStore("ash", "127.0.0.1").start();
const start = (name: string): Promise<ReplicatedStore> =>
	new ReplicatedStore(name, "127.0.0.1").start(first);
const [oak, ...others] = [await start("oak"), await start("elm"), await start("beech")];

const words = ["ant", "bee", "cicada", "dragonfly", "earwig", "firefly", "gnat", "hornet"];
for (const word of words) await first.put(word, `${word.length} letters`);

await oak?.close();
const yew = await start("yew");
await yew.put("gnat", "it bites");
console.log(await yew.get("cicada")); // 6 letters
console.log(await first.get("gnat")); // it bites
const found = await Promise.all(words.map((word) => yew.get(word)));
console.log(`${found.filter((meaning) => meaning !== undefined).length} of ${words.length} words`);

for (const store of [first, ...others, yew]) await store.close();
