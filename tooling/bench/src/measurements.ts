import type { Measurement } from "./measurement.ts";
import { broadcast } from "./measurements/broadcast.ts";
import { formation } from "./measurements/formation.ts";
import { handshake } from "./measurements/handshake.ts";
import { idle } from "./measurements/idle.ts";
import { lookup } from "./measurements/lookup.ts";
import { memory } from "./measurements/memory.ts";
import { refusal } from "./measurements/refusal.ts";
import { request } from "./measurements/request.ts";
import { send } from "./measurements/send.ts";
import { slow } from "./measurements/slow.ts";
import { throughput } from "./measurements/throughput.ts";

/** All that can be measured, in the order in which it is. A new one is a file and a line here. */
export const measurements: readonly Measurement[] = [
	throughput,
	send,
	request,
	handshake,
	refusal,
	slow,
	formation,
	lookup,
	broadcast,
	memory,
	idle,
];
