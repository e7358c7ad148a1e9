// Puts what this package uses of nat-upnp and nat-pmp into dist/vendored, with their licences, so
// that installing it installs nothing else. What they would need besides is replaced here:
//
// - nat-upnp's HTTP (`request`) and XML (`xml2js`): the adapter hands it a control URL that is an
//   object, which sends the request and answers with what it has parsed.
// - its list of interfaces: the adapter opens one socket for each that it wants searched.
// - `new Buffer`, which Node warns of.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const require = createRequire(import.meta.url);

/**
 * @typedef {object} Vendored
 * @property {string} name
 * @property {string} manifest its package.json
 * @property {string} entry what the bundle exports
 * @property {Record<string, string>} instead modules that are replaced, by the name that asks for them
 * @property {readonly [from: string, to: string][]} edits each must be found in one of its files
 */

/** @type {readonly Vendored[]} */
const all = [
	{
		name: "nat-upnp",
		manifest: require.resolve("nat-upnp/package.json"),
		entry: `
			exports.ssdp = require("nat-upnp/lib/nat-upnp/ssdp.js");
			exports.device = require("nat-upnp/lib/nat-upnp/device.js");
		`,
		instead: {
			"../nat-upnp": `exports.utils = require("nat-upnp/lib/nat-upnp/utils.js");`,
			os: `exports.networkInterfaces = () => ({});`,
			request: `module.exports = (request, answer) => request.url.send(request, answer);`,
			xml2js: `exports.Parser = class { parseString(parsed, answer) { answer(null, parsed); } };`,
		},
		edits: [["new Buffer('M-SEARCH", "Buffer.from('M-SEARCH"]],
	},
	{
		name: "nat-pmp",
		manifest: require.resolve("nat-pmp/package.json"),
		// Port 5350 is for the router's announcements, and may be taken: any will do.
		entry: `
			module.exports = require("nat-pmp");
			module.exports.CLIENT_PORT = 0;
		`,
		instead: { debug: `module.exports = () => () => {};` },
		edits: [["new Buffer(size)", "Buffer.alloc(size)"]],
	},
];

/** @type {(vendored: Vendored) => string} the section of its README that grants the licence */
const licenceOf = ({ name, manifest }) => {
	const readme = readFileSync(join(dirname(manifest), "README.md"), "utf8");
	const [, text = ""] = readme.split(/^(?:### )?License\n(?:-+\n)?/m);
	if (!text.includes("Copyright") || !text.includes("WITHOUT WARRANTY")) {
		throw new Error(`${name}: its README has no licence`);
	}
	const { version } = JSON.parse(readFileSync(manifest, "utf8"));
	// What comes after it are the addresses of links.
	const granted = text
		.replace(/\n\[[^]*$/, "")
		.replaceAll("&lt;", "<")
		.replaceAll("&gt;", ">");
	return `/*! Parts of ${name} ${version}, changed as bundle.mjs of @cicada/traversal says.\n\n${granted.trim()}\n*/`;
};

/**
 * @param {object} [options]
 * @param {string} [options.outdir] where the bundles go
 * @param {readonly string[]} [options.without] packages whose own code is left out: for the test that they matter
 */
export const bundle = async ({ outdir, without = [] } = {}) => {
	const home = dirname(fileURLToPath(import.meta.url));
	for (const vendored of all) {
		const { name, entry, instead, edits } = vendored;
		const unseen = new Set(edits);
		await build({
			stdin: { contents: entry, resolveDir: home },
			outfile: join(outdir ?? join(home, "dist/vendored"), `${name}.cjs`),
			bundle: true,
			platform: "node",
			target: "node20",
			format: "cjs",
			charset: "utf8",
			banner: { js: licenceOf(vendored) },
			legalComments: "none",
			logLevel: "warning",
			plugins: [
				{
					name: "instead",
					setup: (plugin) => {
						plugin.onResolve({ filter: /.*/ }, ({ path, importer }) =>
							instead[path] !== undefined && importer !== ""
								? { path, namespace: "instead" }
								: undefined,
						);
						plugin.onLoad({ filter: /.*/, namespace: "instead" }, ({ path }) => ({
							contents: instead[path] ?? "",
							resolveDir: home,
						}));
						plugin.onLoad({ filter: /\.js$/ }, ({ path }) => {
							if (without.includes(name)) return { contents: "" };
							let contents = readFileSync(path, "utf8");
							for (const edit of edits) {
								if (contents.includes(edit[0])) unseen.delete(edit);
								contents = contents.replaceAll(...edit);
							}
							return { contents };
						});
					},
				},
			],
		});
		if (unseen.size > 0 && !without.includes(name)) {
			throw new Error(`${name}: what was to be changed is not there: ${[...unseen].join("; ")}`);
		}
	}
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
