/** Whether a text is a literal address, rather than a name. */
export function isAddress(text: string): boolean {
	return text.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(text);
}

/** Whether an address is the machine's own, whichever machine that is. */
export function isLoopback(ip: string): boolean {
	return ip === "::1" || ip.startsWith("127.");
}

/**
 * The address of the host with this number: public ones, and no two in one /24, so that rules about crowded
 * subnets do not stand in the way of those who do not test them.
 */
export function publicAddress(index: number): string {
	return `${20 + (index >>> 16)}.${(index >>> 8) & 255}.${index & 255}.1`;
}
