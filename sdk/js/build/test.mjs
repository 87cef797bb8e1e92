// Bundles an author's tests as the component is bundled, and gives them to Node's own test runner.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import * as esbuild from "esbuild";
import { explain, oneSdk } from "./esbuild.mjs";

// Libraries in CommonJS ask for `require`, which a bundle in ESM does not have.
const BANNER = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** Runs every test file under `folders`; gives the exit code. */
export async function runTests(folders) {
  const files = folders.filter((folder) => existsSync(folder)).flatMap((folder) => testFiles(folder));
  if (files.length === 0) throw new Error(`There is no *.test.ts or *.test.js in ${folders.join(" or ")}.`);
  // Inside the folder that is tested, so that what stays outside the bundles is found in its node_modules.
  const out = mkdtempSync(join(process.cwd(), ".portcullis-test-"));
  try {
    await esbuild.build({
      entryPoints: files,
      outdir: out,
      outbase: process.cwd(),
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      plugins: [oneSdk],
      // The tools that tests may use are native or large; Node loads them itself.
      external: ["@portcullis/plugin/build", "@bytecodealliance/*"],
      banner: { js: BANNER },
      sourcemap: "inline",
      logLevel: "silent",
    });
    const bundles = files.map((file) => join(out, relative(process.cwd(), file)).replace(/\.[a-z]+$/, ".mjs"));
    return await node(["--enable-source-maps", "--test", ...bundles]);
  } catch (error) {
    throw new Error(explain(error));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function testFiles(path) {
  if (!statSync(path).isDirectory()) return /\.test\.(ts|js)$/.test(path) ? [path] : [];
  return readdirSync(path)
    .filter((name) => name !== "node_modules")
    .sort()
    .flatMap((name) => testFiles(join(path, name)));
}

function node(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal === null ? code : 1));
  });
}
