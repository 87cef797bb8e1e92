// The official TypeScript client, which knows nothing but a URL: it is answered 401, finds the provider, registers, signs a
// person in, and calls tools; refreshes, and asks for more scopes when a call needs them. Usage: README.md.

import assert from "node:assert/strict";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { Person } from "./person.mjs";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    era: { type: "string", default: "auto" },
    user: { type: "string", default: "alice" },
    pause: { type: "boolean", default: false },
  },
});
const mode = values.era === "modern" ? { pin: "2026-07-28" } : values.era;

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const scopes = (token) => claims(token).scope.split(" ").sort();

async function connected(person) {
  const transport = new StreamableHTTPClientTransport(new URL(values.url), { authProvider: person });
  const client = new Client({ name: "portcullis-ts-sign-in", version: "0.0.0" }, { capabilities: {}, versionNegotiation: { mode } });
  await client.connect(transport);
  return { client, transport };
}

async function main() {
  const checks = [];
  const person = new Person(values.user);

  // Nothing is known: the host has to say where to sign in.
  const first = new StreamableHTTPClientTransport(new URL(values.url), { authProvider: person });
  const client = new Client({ name: "portcullis-ts-sign-in", version: "0.0.0" }, { capabilities: {}, versionNegotiation: { mode } });
  await assert.rejects(client.connect(first), UnauthorizedError);
  assert.equal(person.sent.length, 1, "the person was not sent to a browser");
  const asked = person.sent[0].searchParams;
  assert.equal(asked.get("resource"), values.url, "the resource is what the client was given");
  assert.equal(asked.get("code_challenge_method"), "S256");
  assert.ok(person.clientInformation().client_id, "it did not register");
  checks.push("from a bare URL and a 401 to the provider");

  await person.finish(first);
  const token = person.tokens().access_token;
  assert.equal(claims(token).aud, values.url);
  assert.equal(claims(token).sub, values.user);
  checks.push("a token for this resource");

  const { client: session, transport } = await connected(person);
  const revision = session.getNegotiatedProtocolVersion();
  const tools = (await session.listTools()).tools.map(({ name }) => name);
  assert.ok(tools.includes("notes_search"), `listed are ${tools}`);
  const found = await session.callTool({ name: "notes_search", arguments: {} });
  assert.ok(!found.isError && Array.isArray(found.structuredContent.notes), JSON.stringify(found));
  checks.push("a tool is called");

  if (values.pause) {
    // Until now the provider gave less than was asked for. Whoever runs this lets it give more, and says so.
    assert.deepEqual(scopes(token), ["notes:read"]);
    console.log("paused");
    const lines = createInterface({ input: process.stdin });
    await new Promise((resolve) => lines.once("line", resolve));
    lines.close();
    const note = { name: "notes_create", arguments: { title: "Stepped up", body: "by a challenge" } };
    await assert.rejects(session.callTool(note), UnauthorizedError);
    assert.equal(person.sent.length, 2, "403 did not send the person to a browser");
    assert.ok(person.sent[1].searchParams.get("scope").split(" ").includes("notes:write"), person.sent[1].search);
    await person.finish(transport);
    assert.deepEqual(scopes(person.tokens().access_token), ["notes:read", "notes:write"]);
    const created = await session.callTool(note);
    assert.equal(created.structuredContent?.title, "Stepped up", JSON.stringify(created));
    checks.push("more scopes when a call needs them");
  }

  // As if it had expired: the client has to come by a new one without the person.
  const before = { ...person.tokens() };
  assert.ok(before.refresh_token, "there is no refresh token");
  const seen = person.sent.length;
  person.saveTokens({ ...before, access_token: `${before.access_token.slice(0, -8)}AAAAAAAA` });
  const again = await session.callTool({ name: "notes_search", arguments: {} });
  assert.ok(!again.isError, JSON.stringify(again));
  assert.notEqual(person.tokens().refresh_token, before.refresh_token, "the refresh token is the same");
  assert.equal(person.sent.length, seen, "the person was asked again");
  checks.push("a refused token is refreshed without the person");

  await session.close();
  return { client: "typescript", era: values.era, revision, tools, checks };
}

try {
  console.log(JSON.stringify(await main()));
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exit(1);
}
