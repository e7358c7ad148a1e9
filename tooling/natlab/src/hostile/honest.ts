// How a well-behaved router answers: what each behaviour changes a part of.

/** A line of the router's table. */
export interface Row {
	readonly protocol: string;
	readonly externalPort: string;
	readonly client: string;
	readonly port: string;
	readonly description: string;
	readonly lease: string;
}

/** What a router knows. */
export interface State {
	readonly host: string;
	readonly httpPort: number;
	externalIp: string;
	readonly table: Map<string, Row>;
}

const SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1";

export const service = (controlUrl: string, type: string = SERVICE): string =>
	`<service><serviceType>${type}</serviceType><controlURL>${controlUrl}</controlURL>` +
	"<SCPDURL>/scpd.xml</SCPDURL></service>";

export const description = (
	services: string = service("/control"),
	base = "",
): string => `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0">${base}<device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<deviceList><device><deviceList><device><serviceList>${services}</serviceList></device></deviceList></device></deviceList>
</device></root>`;

const envelope = (content: string): string =>
	'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">' +
	`<s:Body>${content}</s:Body></s:Envelope>`;

/** An answer over HTTP. */
export interface Answer {
	readonly status: number;
	readonly body: string;
}

export const fault = (code: number | string, status = 500): Answer => ({
	status,
	body: envelope(
		"<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>" +
			`<UPnPError><errorCode>${code}</errorCode><errorDescription>no</errorDescription></UPnPError>` +
			"</detail></s:Fault>",
	),
});

export const success = (action: string, values: Readonly<Record<string, string>> = {}): Answer => {
	const content = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`);
	return {
		status: 200,
		body: envelope(
			`<u:${action}Response xmlns:u="${SERVICE}">${content.join("")}</u:${action}Response>`,
		),
	};
};

/** A SOAP request, as far as it matters. */
export interface Call {
	readonly path: string;
	readonly action: string;
	readonly args: Readonly<Record<string, string>>;
}

export const callOf = (path: string, header: string, body: string): Call => ({
	path,
	action: /#(\w+)/.exec(header)?.[1] ?? "",
	args: Object.fromEntries(
		[...body.matchAll(/<(New\w+)>([^<]*)<\/\1>/g)].map(([, name = "", value = ""]) => [
			name,
			value,
		]),
	),
});

const shown = (row: Row): Record<string, string> => ({
	NewInternalPort: row.port,
	NewInternalClient: row.client,
	NewEnabled: "1",
	NewPortMappingDescription: row.description,
	NewLeaseDuration: row.lease,
});

/** WANIPConnection:1. */
export const answerCall = (state: State, { action, args }: Call): Answer => {
	const key = `${args["NewProtocol"]} ${args["NewExternalPort"]}`;
	const row = state.table.get(key);
	switch (action) {
		case "GetStatusInfo": {
			return success(action, { NewConnectionStatus: "Connected", NewUptime: "1" });
		}
		case "GetExternalIPAddress": {
			return success(action, { NewExternalIPAddress: state.externalIp });
		}
		case "AddPortMapping": {
			if (row !== undefined && row.client !== args["NewInternalClient"]) return fault(718);
			state.table.set(key, {
				protocol: args["NewProtocol"] ?? "",
				externalPort: args["NewExternalPort"] ?? "",
				client: args["NewInternalClient"] ?? "",
				port: args["NewInternalPort"] ?? "",
				description: args["NewPortMappingDescription"] ?? "",
				lease: args["NewLeaseDuration"] ?? "",
			});
			return success(action);
		}
		case "DeletePortMapping": {
			return state.table.delete(key) ? success(action) : fault(714);
		}
		case "GetSpecificPortMappingEntry": {
			return row === undefined ? fault(714) : success(action, shown(row));
		}
		case "GetGenericPortMappingEntry": {
			const at = [...state.table.values()][Number(args["NewPortMappingIndex"])];
			if (at === undefined) return fault(713);
			const { protocol, externalPort } = at;
			return success(action, {
				NewRemoteHost: "",
				NewExternalPort: externalPort,
				NewProtocol: protocol,
				...shown(at),
			});
		}
		default: {
			return fault(401);
		}
	}
};

/** NAT-PMP: RFC 6886, section 3.3. Undefined for what is no request. */
export const answerPmp = (
	state: State,
	request: Uint8Array,
	epoch: number,
): Uint8Array | undefined => {
	const opcode = request[1] ?? 255;
	if (request[0] !== 0 || opcode > 2) return undefined;
	const reply = new DataView(new ArrayBuffer(opcode === 0 ? 12 : 16));
	reply.setUint8(1, opcode + 128);
	reply.setUint32(4, epoch);
	if (opcode === 0) {
		for (const [index, byte] of state.externalIp.split(".").entries()) {
			reply.setUint8(8 + index, Number(byte));
		}
	} else {
		const asked = new DataView(request.buffer, request.byteOffset, request.length);
		const [internal, external, lifetime] = [
			asked.getUint16(4),
			asked.getUint16(6),
			asked.getUint32(8),
		];
		const key = `PMP${opcode} ${internal}`;
		if (lifetime === 0) state.table.delete(key);
		else {
			state.table.set(key, {
				protocol: opcode === 1 ? "UDP" : "TCP",
				externalPort: String(external),
				client: "",
				port: String(internal),
				description: "",
				lease: String(lifetime),
			});
		}
		reply.setUint16(8, internal);
		reply.setUint16(10, lifetime === 0 ? 0 : external);
		reply.setUint32(12, lifetime);
	}
	return new Uint8Array(reply.buffer);
};
