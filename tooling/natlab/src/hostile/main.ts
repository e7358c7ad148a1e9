// A scripted router of its own process: node main.js HOST OTHER-HOST, asked over its input.
import { serve } from "../serve.ts";
import { HostileRouter } from "./router.ts";

const [host = "", other = ""] = process.argv.slice(2);
const router = await HostileRouter.create({ host, other });

serve({
	behave: (name: string) => {
		router.behave(name);
	},
	asked: () => router.asked,
	table: () => router.table,
});
process.stdin.on("end", () => process.exit());
