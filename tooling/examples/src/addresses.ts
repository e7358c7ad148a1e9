// What an address is, and how far it reaches.
import {
	canonicalIp,
	formatAddress,
	NOWHERE,
	sameAddress,
	type Scope,
	scopeOf,
	subnetOf,
} from "@cicada/chordlib";

// One machine, one text: the id of a peer is the hash of it.
console.log(canonicalIp("2001:DB8:0:0::1")); // 2001:db8::1
console.log(formatAddress({ host: "2001:db8::1", port: 7000 })); // [2001:db8::1]:7000
console.log(canonicalIp("localhost")); // undefined

const scopes: Scope[] = ["127.0.0.1", "192.168.1.7", "75.23.66.101", "224.0.0.1"].map(scopeOf);
console.log(scopes.join(", ")); // loopback, private, public, none
console.log(subnetOf("75.23.66.101")); // 75.23.66.0/24

// Who cannot be dialled gives this address.
console.log(formatAddress(NOWHERE)); // 0.0.0.0:0
console.log(sameAddress(NOWHERE, { host: "0.0.0.0", port: 0 })); // true
