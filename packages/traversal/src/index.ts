export { type Evidence, TraversalError, type TraversalErrorCode } from "./errors.ts";
export { localAddress } from "./local-address.ts";
export type { MappedPort, MappingEvents } from "./mapped-port.ts";
export { NatPMP } from "./nat-pmp.ts";
export type { PortMapper } from "./port-mapper.ts";
export { PortMapping, type PortMappingOptions } from "./port-mapping.ts";
export type {
	Clock,
	DefaultRoute,
	HttpReply,
	HttpRequest,
	Owner,
	PmpReply,
	PmpRequest,
	SearchReply,
	SoapRequest,
	Timer,
	World,
} from "./ports.ts";
export { UPnP } from "./upnp.ts";
export type { Wait } from "./wait.ts";
