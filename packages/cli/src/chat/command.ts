/** What each command takes and does, for `/help`. */
export const commands = {
	connect: "/connect host:port   joins the swarm of the peer there",
	join: "/join #channel       goes into a channel; what you type goes there",
	part: "/part [#channel]     leaves a channel, the one you type into where none is named",
	msg: "/msg name text       tells somebody something, and nobody else",
	who: "/who [#channel]      who is there",
	stats: "/stats               what came and went",
	help: "/help                this",
	quit: "/quit                leaves",
} as const;

export type CommandName = keyof typeof commands;

/** What somebody typed. */
export type Typed =
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "command"; readonly name: CommandName; readonly rest: string }
	| { readonly kind: "unknown"; readonly name: string };

/** `/name rest`; anything else is text, and so is what follows a first `/` of two. */
export function read(line: string): Typed {
	const { 1: name, 2: rest = "" } = /^\/(?!\/)(\S*)\s*(.*)$/su.exec(line) ?? [];
	if (name === undefined) return { kind: "text", text: line.replace(/^\/\//, "/") };
	const lower = name.toLowerCase();
	if (Object.hasOwn(commands, lower)) {
		return { kind: "command", name: lower as CommandName, rest: rest.trim() };
	}
	return { kind: "unknown", name };
}
