// Which router there is, and what it has mapped, asked each way by itself: node routers.js ask
import { localAddress, NatPMP, type PortMapper, TraversalError, UPnP } from "@cicada/traversal";

if (process.argv[2] === "ask") await ask();
else console.log("say: ask");

async function ask(): Promise<void> {
	console.log(`this machine is ${await localAddress()}`);
	const mappers: PortMapper[] = [new UPnP(), new NatPMP()];
	for (const mapper of mappers) {
		try {
			await mapper.create({ timeout: 5_000 });
			const { externalPort } = await mapper.addPortMapping(7000, 7000, { lifetime: 600 });
			console.log(
				`${mapper.name}: ${mapper.externalIp}:${externalPort} leads here for ten minutes`,
			);
		} catch (error) {
			if (!(error instanceof TraversalError)) throw error;
			console.log(`${mapper.name}: ${error.code}, ${error.message}`);
		}
		// Gives back what it mapped.
		await mapper.close();
	}
}
