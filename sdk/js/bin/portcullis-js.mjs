#!/usr/bin/env node
// portcullis-js build | test. What each does is in README.md.

import { parseArgs } from "node:util";
import { build } from "../build/build.mjs";
import { runTests } from "../build/test.mjs";

const USAGE = `portcullis-js build [--manifest plugin.toml] [--entry src/main.ts] [--with clock,random]
  Bundles the entry module and writes the component that the manifest names.
portcullis-js test [folder ...]
  Runs every *.test.ts and *.test.js under the folders (src and test when none is given) with Node's test runner.`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      manifest: { type: "string", default: "plugin.toml" },
      entry: { type: "string" },
      with: { type: "string", default: "" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    console.log(USAGE);
  } else if (command === "build" && rest.length === 0) {
    const made = await build({
      manifest: values.manifest,
      entry: values.entry,
      extras: values.with.split(",").filter(Boolean),
    });
    console.log(`${made.file}: ${(made.bytes / 1048576).toFixed(1)} MiB in ${(made.ms / 1000).toFixed(1)} s, imports ${made.imports.join(", ")}`);
  } else if (command === "test") {
    process.exitCode = await runTests(rest.length > 0 ? rest : ["src", "test"]);
  } else {
    throw new Error(USAGE);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
