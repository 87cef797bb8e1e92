// The official TypeScript client against a running host. Usage: README.md.

import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { main, options, runChecks } from "./checks.mjs";

const REVISION = "2026-07-28";

await main(async () => {
  const { era, url, argv, bearer, transport } = options();
  const mode = era === "modern" ? { pin: REVISION } : era;
  const client = new Client({ name: "portcullis-ts-test", version: "0.0.0" }, { capabilities: {}, versionNegotiation: { mode } });
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  await client.connect(
    argv === undefined
      ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
      : new StdioClientTransport({ command: argv[0], args: argv.slice(1), stderr: "inherit" }),
  );
  // A host that speaks both has to be found out as modern by a client that asks.
  assert.equal(client.getProtocolEra(), era === "legacy" ? "legacy" : "modern");
  const checks = await runChecks({
    async listTools() {
      const tools = [];
      let cursor;
      do {
        const page = await client.listTools(cursor === undefined ? {} : { cursor });
        tools.push(...page.tools);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return tools;
    },
    callTool: (name, args) => client.callTool({ name, arguments: args }),
  });
  const revision = client.getNegotiatedProtocolVersion();
  await client.close();
  return { client: "typescript", era, transport, revision, checks };
});
