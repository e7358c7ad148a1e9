// A port on the router, where there is one; otherwise, what was tried.
import {
	type MappedPort,
	NatPMP,
	type PortMapper,
	PortMapping,
	TraversalError,
	type TraversalErrorCode,
	UPnP,
} from "@cicada/traversal";

export const open = async (port: number, signal: AbortSignal): Promise<string> => {
	const mapping = await new PortMapping(port, { protocol: "udp", attempts: 3, signal }).open();
	mapping.on("moved", ({ externalIp }) => externalIp.length);
	const { externalIp, externalPort, localAddress, mapper } = mapping;
	await mapping.close();
	return `${externalIp}:${externalPort} leads to ${localAddress} by ${mapper.name}`;
};

export const mappers: readonly PortMapper[] = [new UPnP(), new NatPMP()];

export const add = async (mapper: PortMapper): Promise<Date | undefined> => {
	await mapper.create({ timeout: 2_000 });
	const mapped: MappedPort = await mapper.addPortMapping(7000, 8000, { lifetime: 60 });
	return mapped.expires;
};

export const codeOf = (error: unknown): TraversalErrorCode | undefined =>
	error instanceof TraversalError ? error.code : undefined;
