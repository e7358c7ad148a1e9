// Maps a port of the router for as long as the program runs: node mapping.js 7000
import { once } from "node:events";
import { createServer } from "node:http";

import { PortMapping, TraversalError } from "@cicada/traversal";

const [port] = process.argv.slice(2);
if (port === undefined) console.log("which port?");
else await serve(Number(port));

async function serve(port: number): Promise<void> {
	// #region serve
	const server = createServer((_, response) => response.end("hello\n")).listen(port);
	const mapping = new PortMapping(port, { closeOnExit: true });
	try {
		await mapping.open();
		console.log(`http://${mapping.externalIp}:${mapping.externalPort}, by ${mapping.mapper.name}`);
		await once(server, "close");
	} catch (error) {
		if (!(error instanceof TraversalError)) throw error;
		console.log(`Nobody outside can reach this program. ${error.code}: ${error.message}`);
	}
	await mapping.close();
	// #endregion
}
