// An identity provider and a host, side by side, and what happens between them when a person signs in: each step is made by
// hand and printed. `cargo xtask sign-in` builds what it needs and runs it. Usage: README.md.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { OAuthClient } from "../../tests/identity/flow.mjs";

const { values: options } = parseArgs({
  options: {
    program: { type: "string" },
    plugin: { type: "string" },
    listen: { type: "string", default: "127.0.0.1:8080" },
    provider: { type: "string", default: "8090" },
    once: { type: "boolean", default: false },
  },
});
const here = new URL(".", import.meta.url);
const home = mkdtempSync(join(tmpdir(), "portcullis-sign-in-"));
const children = [];
const url = `http://${options.listen}/mcp`;

const say = (...lines) => lines.forEach((line) => console.log(line));
const step = (title) => say("", `== ${title}`);
const json = (value) => JSON.stringify(value, null, 1).replaceAll(/\n */g, " ");

/** Starts a program that says in its first line that it is ready. */
async function started(command, words, stdin) {
  const child = spawn(command, words, { stdio: [stdin, "pipe", "pipe"] });
  children.push(child);
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`${command} does not start:\n${log}`);
  return { child, first: first.value, next: async () => JSON.parse((await lines.next()).value) };
}

/** A command of the host's program, to its end. */
function portcullis(...words) {
  const ran = spawnSync(options.program, ["--config", join(home, "portcullis.toml"), "--data", join(home, "data"), ...words], { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`portcullis ${words.join(" ")}:\n${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** One call of a tool, and what is answered. */
async function call(tool, args, token) {
  say(`POST ${url}   tools/call ${tool} ${json(args)}   ${token === undefined ? "without a token" : "Authorization: Bearer …"}`);
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": tool,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name: tool,
        arguments: args,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
          "io.modelcontextprotocol/clientInfo": { name: "sign-in", version: "0" },
        },
      },
    }),
  });
  const answer = await response.json();
  const challenge = response.headers.get("www-authenticate");
  say(`${response.status}${answer.result === undefined ? "" : ` ${answer.result.content[0].text}`}`);
  if (challenge !== null) say(`WWW-Authenticate: ${challenge}`);
  return { status: response.status, challenge, result: answer.result };
}

const expect = (what, is) => {
  if (!is) throw new Error(`this should not have happened: ${what}`);
};
const parameter = (challenge, name) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

async function get(address, ...keys) {
  say(`GET ${address}`);
  const found = await (await fetch(address)).json();
  say(json(Object.fromEntries(keys.map((key) => [key, found[key]]))));
  return found;
}

async function tokens(client, scope) {
  // The provider's page lists what it is asked for twice: for itself, and for the resource.
  const listed = (asked) => [...new Set(asked.filter((line) => scope.split(" ").includes(line)))].join(" and ");
  const saw = ({ page, asked }) => say(page === "consent" ? `  the page "consent" asks: may it have ${listed(asked)}? Alice agrees` : `  the page "${page}": Alice signs in`);
  say(`GET ${client.found.authorization_endpoint}?response_type=code&resource=${url}&scope=${scope}&code_challenge_method=S256&…`);
  const code = await client.authorize({ user: "alice", resource: url, scope: scope, saw });
  say("  and is sent back with a code");
  say(`POST ${client.found.token_endpoint}   the code, and what its challenge was made of`);
  const given = await client.tokens(code);
  const { sub, aud, iss, scope: granted, client_id } = claims(given.access_token);
  say(json({ iss, sub, aud, scope: granted, client_id }));
  return given.access_token;
}

async function walk() {
  step("A provider and a host");
  const words = ["--port", options.provider, "--scopes", "notes:read notes:write"];
  const provider = await started(process.execPath, [new URL("../../tests/identity/provider.mjs", here).pathname, ...words], "pipe");
  provider.child.stdin.write(`${JSON.stringify({ do: "resource", url, scopes: ["notes:read", "notes:write"] })}\n`);
  await provider.next();
  const { issuer } = JSON.parse(provider.first);
  say(`the provider: ${issuer}`);
  const configuration = readFileSync(new URL("portcullis.toml", here), "utf8")
    .replaceAll("http://localhost:8090", issuer)
    .replaceAll("port = 8090", `port = ${new URL(issuer).port}`)
    .replaceAll("127.0.0.1:8080", options.listen)
    .replace("four_eyes", `allowed_hosts = ["${options.listen}"]\nfour_eyes`);
  writeFileSync(join(home, "portcullis.toml"), configuration);
  portcullis("publish", options.plugin, "--approve");
  await started(options.program, ["--config", join(home, "portcullis.toml"), "--data", join(home, "data"), "serve"], "ignore");
  say(`the host:     ${url}   serving plugins/notes`);

  step("Nobody has signed in, so the host says where to");
  const first = await call("notes_search", {});
  expect("a call without a token is answered", first.status === 401);
  const resource = await get(parameter(first.challenge, "resource_metadata"), "resource", "authorization_servers", "scopes_supported");
  await get(`${resource.authorization_servers[0]}/.well-known/oauth-authorization-server`, "issuer", "registration_endpoint", "code_challenge_methods_supported");

  step("The client registers");
  const client = await OAuthClient.register(resource.authorization_servers[0], "an example");
  say(`POST ${client.found.registration_endpoint}`, json({ client_id: client.id }));

  step("Alice signs in, and lets it read notes");
  const reading = await tokens(client, "notes:read");

  step("A call within what she allowed");
  const found = await call("notes_search", {}, reading);
  expect("reading is refused", found.status === 200);

  step("A call beyond it");
  const note = { title: "Milk", body: "two litres" };
  const refused = await call("notes_create", note, reading);
  expect("writing is not refused", refused.status === 403);

  step("So the client asks her for what the challenge says");
  const writing = await tokens(client, `notes:read ${parameter(refused.challenge, "scope")}`);
  const created = await call("notes_create", note, writing);
  expect("writing is refused", created.status === 200);

  step("A token that was changed on the way");
  const changed = await call("notes_search", {}, `${writing.slice(0, -8)}AAAAAAAA`);
  expect("it is taken", changed.status === 401);

  step("What the host has on record");
  const rows = portcullis("audit", "--json", "--limit", "100").trim().split("\n").map((line) => JSON.parse(line));
  // Refusals are written a little later than calls; a call has one row, or an intent and an outcome.
  for (const { kind, principal, tool, class: rule } of rows.sort((a, b) => a.at - b.at)) {
    const what = kind === "outcome" ? "call" : kind;
    if (["call", "refused"].includes(what)) say([what.padEnd(8), (tool || "-").padEnd(13), rule.padEnd(18), principal || "-"].join(" "));
  }
}

async function end(code) {
  for (const child of children.reverse()) {
    const ended = child.exitCode !== null ? undefined : new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
  rmSync(home, { recursive: true, force: true });
  process.exit(code);
}

process.on("SIGINT", () => void end(0));
process.on("SIGTERM", () => void end(0));
try {
  if (options.program === undefined || options.plugin === undefined) throw new Error("--program and --plugin are needed: run `cargo xtask sign-in`");
  await walk();
  if (options.once) await end(0);
  say("", `Both keep running. Connect an MCP client to ${url}; it will open your browser, where any name and password will do. Ctrl-C ends them.`);
} catch (error) {
  console.error(error.message);
  await end(1);
}
