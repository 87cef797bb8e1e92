// TypeScript to component: one bundle, a world with what the plugin uses and no more, a snapshot of QuickJS.

import { copyFileSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, basename } from "node:path";
import * as esbuild from "esbuild";
import { componentize } from "componentize-qjs";
import { parse } from "smol-toml";
import { componentImports } from "./component.mjs";
import { explain, oneSdk, sdk } from "./esbuild.mjs";

const PACKAGE = "portcullis:plugin";
const VERSION = "0.1.0";
const EXTRAS = ["clock", "random"];
/** What a component may import of the contract, each only if the plugin uses it. `log` it always does. */
const INTERFACES = ["kv", "egress", "files", "secrets", "questions", "caller", "progress", "assets"];
/** What a component may export beside `tools`, each only if the manifest lists something for it. */
const EXPORTS = ["resources", "prompts", "completions"];
// Effect `none` and nothing behind it: `wit/base.md`.
const BASE_LIST = /^wasi:(cli|clocks|filesystem|io|random)\/[a-z-]+@0\.2\.\d+$/;

/**
 * Builds the component that `manifest` names. `extras` may hold "clock" and "random": then QuickJS keeps its WASI
 * imports, all of them on the host's base list; else each is replaced by a trap and the component has none.
 */
export async function build({ manifest, entry, extras = [] }) {
  const started = Date.now();
  const root = dirname(resolve(manifest));
  const facts = readManifest(manifest);
  const unknown = extras.filter((extra) => !EXTRAS.includes(extra));
  if (unknown.length > 0) throw new Error(`--with ${unknown.join(",")}: there is only ${EXTRAS.join(" and ")}`);

  const main = findEntry(root, entry);
  const words = await wordsOf(main, root);
  const declared = (kind) => Object.values(facts.capabilities).includes(kind);
  const uses = {
    kv: words.has("kv") && declared("kv"),
    egress: words.has("http") && declared("http"),
    files: words.has("files") && declared("files"),
    secrets: words.has("placeholder"),
    questions: ["ask", "askForReply", "sample", "roots"].some((word) => words.has(word)),
    caller: ["caller", "preview", "hints"].some((word) => words.has(word)),
    progress: words.has("report") || words.has("notice"),
    assets: words.has("assets"),
    random: extras.includes("random"),
  };
  const { component: name, ...baked } = facts;
  const code = await bundle(entryCode(main, baked, uses, extras.includes("clock")), root);
  const wit = mkdtempSync(join(tmpdir(), "portcullis-wit-"));
  let component;
  try {
    writeWorld(wit, uses, exported(facts));
    ({ component } = await componentize({
      witPath: wit,
      world: "guest",
      jsSource: code,
      sync: true,
      stubWasi: extras.length === 0,
    }));
  } catch (error) {
    throw new Error(`The component could not be made: ${error.message}`);
  } finally {
    rmSync(wit, { recursive: true, force: true });
  }
  const imports = checkedImports(component, uses, extras);
  const file = join(root, name);
  // Renamed into place, so that nobody reads half a component.
  writeFileSync(`${file}.${process.pid}.part`, component);
  renameSync(`${file}.${process.pid}.part`, file);
  return { file, bytes: component.length, imports, ms: Date.now() - started };
}

/** What the component has to know of the manifest. Whether the manifest is right is for the host to say. */
function readManifest(path) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new Error(`There is no manifest at ${path}. Name it with --manifest.`);
  }
  const manifest = parse(text);
  const component = manifest.plugin?.component;
  if (typeof component !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]*\.wasm$/.test(component)) {
    throw new Error(`${path}: [plugin] needs a \`component\`, the name of a .wasm file beside the manifest.`);
  }
  const tools = (manifest.tool ?? []).map((tool) => tool.name);
  const capabilities = Object.fromEntries(
    Object.entries(manifest.capability ?? {}).map(([name, capability]) => [name, capability.kind]),
  );
  const named = (entries) => entries.map(({ name }) => name);
  // Assets are answered by the host; the plugin never sees them.
  const own = (manifest.resource ?? []).filter((resource) => resource.asset === undefined);
  const resources = Object.fromEntries(own.map(({ name, mime }) => [name, mime ?? ""]));
  const prompts = manifest.prompt ?? [];
  const completions = [
    ...prompts.flatMap(({ name, argument = [] }) => named(argument.filter((one) => one.complete)).map((one) => `prompt/${name}/${one}`)),
    ...(manifest.resource ?? []).flatMap(({ name, complete = [] }) => complete.map((variable) => `resource/${name}/${variable}`)),
  ];
  return { file: basename(path), component, tools, capabilities, resources, prompts: named(prompts), completions };
}

function findEntry(root, entry) {
  const candidates = entry === undefined ? ["src/main.ts", "src/main.js"] : [entry];
  const found = candidates.map((path) => resolve(root, path)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`There is no ${candidates.join(" or ")}. Name the entry module with --entry.`);
  return found;
}

const OPTIONS = {
  bundle: true,
  write: false,
  format: "esm",
  // The browser builds of libraries are the ones that do not reach for Node.
  platform: "browser",
  target: "es2023",
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "eof",
  logLevel: "silent",
};

/**
 * Every word that the plugin's code says outside comments. An interface whose word is not among them cannot be used
 * but through a computed name, and then the SDK says so; one too many only imports what is open anyway.
 */
async function wordsOf(entry, root) {
  const result = await run({
    ...OPTIONS,
    entryPoints: [entry],
    absWorkingDir: root,
    external: ["@portcullis/plugin"],
    minifyWhitespace: true,
    legalComments: "none",
  });
  return new Set(result.outputFiles[0].text.match(/[A-Za-z_$][\w$]*/g));
}

async function bundle(contents, root) {
  const result = await run({
    ...OPTIONS,
    stdin: { contents, resolveDir: root, sourcefile: "portcullis-entry.js", loader: "js" },
    absWorkingDir: root,
    plugins: [oneSdk],
    external: [`${PACKAGE}/*`, "wasi:*"],
  });
  return result.outputFiles[0].text;
}

async function run(options) {
  try {
    return await esbuild.build(options);
  } catch (error) {
    throw new Error(explain(error));
  }
}

function entryCode(main, facts, uses, clock) {
  const host = (name) => `import ${name} from "${PACKAGE}/${name}@${VERSION}";`;
  return [
    `import ${JSON.stringify(sdk("src/armed.ts"))};`,
    `import { serve } from ${JSON.stringify(sdk("src/guest.ts"))};`,
    `import plugin from ${JSON.stringify(main)};`,
    host("log"),
    ...INTERFACES.map((name) => (uses[name] ? host(name) : `const ${name} = undefined;`)),
    uses.random ? 'import random from "wasi:random/random@0.2.0";' : "const random = undefined;",
    `const served = serve(plugin, ${JSON.stringify(facts)}, { log, ${INTERFACES.join(", ")}, random, clock: ${clock} });`,
    ...["tools", ...exported(facts)].map((name) => `export const ${name} = served.${name};`),
  ].join("\n");
}

/** What the component exports beside `tools`. */
function exported(facts) {
  return EXPORTS.filter((name) => Object.keys(facts[name]).length > 0);
}

function writeWorld(folder, uses, more) {
  for (const file of readdirSync(sdk("wit")).filter((name) => name.endsWith(".wit"))) {
    copyFileSync(sdk(`wit/${file}`), join(folder, file));
  }
  const imports = ["log", ...INTERFACES.filter((name) => uses[name])].map((name) => `  import ${name};`);
  if (uses.random) imports.push("  import wasi:random/random@0.2.0;");
  const random = "package wasi:random@0.2.0 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }";
  writeFileSync(
    join(folder, "guest.wit"),
    [
      `package ${PACKAGE}@${VERSION};`,
      "world guest {",
      ...imports,
      ...["tools", ...more].map((name) => `  export ${name};`),
      "}",
      uses.random ? random : "",
      "",
    ].join("\n"),
  );
}

/** The component's imports. Whatever is beyond the plugin's own and the base list would be refused at publish: say it now. */
function checkedImports(component, uses, extras) {
  const allowed = ["types", "log", ...INTERFACES.filter((name) => uses[name])];
  const own = new Set(allowed.map((name) => `${PACKAGE}/${name}@${VERSION}`));
  const imports = componentImports(component);
  const beyond = imports.filter((name) => !own.has(name) && !(extras.length > 0 && BASE_LIST.test(name)));
  if (beyond.length > 0) throw new Error(`The component imports ${beyond.join(", ")}, which no manifest opens.`);
  return imports;
}
