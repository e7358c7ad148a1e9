// A plugin of typedoc: gives each public name an example, from the programs that the tests run.
//
// A name that an example imports shows the shortest one that does. A name that only appears in the
// declaration of another one links to that. `withoutExample` has those for which there is neither.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Comment, CommentTag, Converter, makeRecursiveVisitor } from "typedoc";

/** @typedef {import("typedoc").DeclarationReflection} DeclarationReflection */

const folder = join(import.meta.dirname, "../examples/src");

/** The examples, the shortest first: what they import from our packages, as `package.name`. */
const examples = readdirSync(folder)
	.filter((file) => file.endsWith(".ts"))
	.map((file) => {
		const code = readFileSync(join(folder, file), "utf8").trimEnd();
		const imports = [...code.matchAll(/^import \{([^}]*)\} from "@cicada\/(\w+)";$/gm)];
		const names = imports.flatMap(([, list = "", name = ""]) =>
			list
				.split(",")
				.map((word) => word.trim().replace(/^type /, ""))
				.filter((word) => word !== "")
				.map((word) => `${name}.${word}`),
		);
		return { file, code, names };
	})
	.toSorted((a, b) => a.code.length - b.code.length);

/** @type {(project: import("typedoc").ProjectReflection) => DeclarationReflection[]} what packages export */
export const publicNames = (project) =>
	(project.children ?? []).flatMap(({ children = [] }) =>
		children.filter((child) => child.variant === "declaration"),
	);

/** @type {(name: DeclarationReflection) => string} `swarmlib.SwarmPeer` */
export const fullName = ({ name, parent }) => `${parent?.name.replace(/^@cicada\//, "")}.${name}`;

/** @type {(reflection: DeclarationReflection) => (Comment | undefined)[]} of it, and of its signatures */
export const commentsOf = (reflection) => [
	reflection.comment,
	...[
		...(reflection.signatures ?? []),
		...(reflection.type?.type === "reflection"
			? (reflection.type.declaration.signatures ?? [])
			: []),
		...(reflection.getSignature ? [reflection.getSignature] : []),
	].map(({ comment }) => comment),
];

/** @type {(name: DeclarationReflection) => boolean} */
const hasExample = (name) =>
	commentsOf(name).some((comment) => comment?.getTag("@example") !== undefined);

/** @type {(name: DeclarationReflection) => Set<unknown>} the reflections that its declaration names */
const namedIn = (name) => {
	/** @type {Set<unknown>} */
	const found = new Set();
	const visitor = makeRecursiveVisitor({
		reference: (type) => void found.add(type.reflection),
		query: ({ queryType }) => void found.add(queryType.reflection),
		reflection: ({ declaration }) => visit(declaration),
	});
	/** @type {(reflection: import("typedoc").Reflection) => void} */
	const visit = (reflection) => {
		for (const key of ["type", "default"]) {
			/** @type {import("typedoc").SomeType | undefined} */
			const type = Reflect.get(reflection, key);
			if (type) type.visit(visitor);
		}
		for (const type of Reflect.get(reflection, "extendedTypes") ?? []) type.visit(visitor);
		for (const type of Reflect.get(reflection, "implementedTypes") ?? []) type.visit(visitor);
		reflection.traverse((child) => {
			if (!child.flags.isPrivate && !child.flags.isInherited) visit(child);
			return true;
		});
	};
	visit(name);
	return found;
};

/** @type {(name: DeclarationReflection, tag: CommentTag) => void} */
const addTag = (name, tag) => {
	const comments = commentsOf(name);
	const comment = comments.find((comment) => comment !== undefined);
	if (comment) comment.blockTags.push(tag);
	else name.comment = new Comment([], [tag]);
};

/** @type {DeclarationReflection[]} */
export let withoutExample = [];

/** @type {(app: import("typedoc").Application) => void} */
export const load = (app) => {
	app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
		for (const module of project.children ?? []) {
			module.name = module.name.replace(/^(\w+)\/src$/, "@cicada/$1");
		}
		const names = publicNames(project);
		for (const name of names) {
			const shortest = examples.find(({ names }) => names.includes(fullName(name)));
			if (shortest === undefined || hasExample(name)) continue;
			const text = `\`\`\`ts\n// tooling/examples/src/${shortest.file}\n${shortest.code}\n\`\`\``;
			addTag(name, new CommentTag("@example", [{ kind: "code", text }]));
		}
		let left = names.filter((name) => !hasExample(name));
		let shown = names.filter(hasExample);
		while (shown.length > 0) {
			/** @type {DeclarationReflection[]} */
			const linked = [];
			for (const user of shown) {
				const used = namedIn(user);
				for (const name of left.filter((name) => used.has(name) && !linked.includes(name))) {
					linked.push(name);
					addTag(
						name,
						new CommentTag("@see", [
							{ kind: "inline-tag", tag: "@link", text: user.name, target: user },
						]),
					);
				}
			}
			left = left.filter((name) => !linked.includes(name));
			shown = linked;
		}
		withoutExample = left;
	});
};
