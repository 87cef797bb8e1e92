// What every client has to find, whichever it is. `checks.py` has the same in Python; `expected.json` belongs to both.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const expected = JSON.parse(readFileSync(new URL("expected.json", import.meta.url), "utf8"));
const HINTS = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

/**
 * The command line: `--url URL` or `--stdio '["host", "stdio", ...]'`, and `--era legacy|auto|modern`; with `--url`
 * also `--bearer TOKEN`.
 */
export function options() {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      stdio: { type: "string" },
      era: { type: "string", default: "auto" },
      bearer: { type: "string" },
    },
  });
  const era = values.era === "2026-07-28" ? "modern" : values.era;
  if ((values.url === undefined) === (values.stdio === undefined)) throw new Error("Give one of --url and --stdio.");
  if (!["legacy", "auto", "modern"].includes(era)) throw new Error(`--era ${era}: there is legacy, auto and modern.`);
  const argv = values.stdio === undefined ? undefined : JSON.parse(values.stdio);
  return { era, url: values.url, argv, bearer: values.bearer, transport: argv === undefined ? "http" : "stdio" };
}

/** Runs `body`, which gives the line to print; a difference ends the process with 1 and a message. */
export async function main(body) {
  try {
    console.log(JSON.stringify(await body()));
    // Clients leave timers and sockets behind; what they had to say is said.
    process.exit(0);
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error);
    process.exit(1);
  }
}

/** Runs checks one after another, and has the names of those that were made. */
export function checker() {
  const done = [];
  const check = async (name, body) => {
    try {
      const value = await body();
      done.push(name);
      return value;
    } catch (error) {
      throw new Error(`check "${name}" failed: ${error.message}`, { cause: error });
    }
  };
  return { check, done };
}

/**
 * Goes through every check. `session` has `listTools()` and `callTool(name, arguments)`, which give what the protocol
 * gives. Gives the names of the checks that were made.
 */
export async function runChecks(session) {
  const { check, done } = checker();
  const structured = async (tool, args) => {
    const result = await session.callTool(tool, args);
    assert.ok(!result.isError, `${tool} failed: ${JSON.stringify(result.content)}`);
    assert.equal(typeof result.structuredContent, "object", `${tool} gave no structured content`);
    assert.ok(result.content.some(({ type, text }) => type === "text" && text !== ""), `${tool} gave no text for older clients`);
    return result;
  };

  await check("tools are listed with their annotations", async () => {
    const tools = new Map((await session.listTools()).map((tool) => [tool.name, tool]));
    for (const [name, hints] of Object.entries(expected.tools)) {
      const tool = tools.get(name);
      assert.ok(tool, `${name} is not listed; there is ${[...tools.keys()].join(", ")}`);
      assert.match(tool.description, /^Use this when /, name);
      assert.equal(tool.inputSchema.additionalProperties, false, `${name}: input schema`);
      assert.equal(tool.outputSchema?.type, "object", `${name}: output schema`);
      for (const hint of HINTS) assert.equal(typeof tool.annotations?.[hint], "boolean", `${name}: ${hint}`);
      for (const [hint, value] of Object.entries(hints)) assert.equal(tool.annotations[hint], value, `${name}: ${hint}`);
    }
  });

  for (const { tool, arguments: args, structured: wanted } of expected.answers) {
    await check(`${tool} gives the exact result`, async () => {
      const result = await structured(tool, args);
      assert.deepEqual(result.structuredContent, wanted);
      const texts = result.content.filter(({ type }) => type === "text").map(({ text }) => text);
      assert.deepEqual(JSON.parse(texts.join("")), wanted, "the text differs from the structured content");
    });
  }

  for (const { why, tool, arguments: args, says } of expected.refusals) {
    await check(why, async () => {
      const result = await session.callTool(tool, args);
      assert.equal(result.isError, true, `${tool} did not fail`);
      assert.ok(result.content.map(({ text }) => text).join("\n").includes(says), JSON.stringify(result.content));
    });
  }

  const title = `Client test ${process.pid}-${Date.now()}`;
  const body = "Zürich 🏰\nsecond line";
  const id = await check("notes_create keeps a note", async () => {
    const { structuredContent: note } = await structured("notes_create", { title, body });
    assert.equal(typeof note.id, "string");
    assert.deepEqual({ title: note.title, body: note.body }, { title, body });
    return note.id;
  });
  const found = async () => (await structured("notes_search", { query: title })).structuredContent.notes.map((note) => note.id);
  await check("notes_read gives it back", async () => {
    const { structuredContent: note } = await structured("notes_read", { id });
    assert.deepEqual({ id: note.id, title: note.title, body: note.body }, { id, title, body });
  });
  await check("notes_search finds it and no other", async () => assert.deepEqual(await found(), [id]));
  const confirmation = await check("notes_delete shows first what it would do, and does nothing", async () => {
    const { structuredContent: shown } = await structured("notes_delete", { id });
    assert.equal(shown.preview.whole, true);
    assert.deepEqual(shown.preview.effects.map(({ effect, capability }) => [effect, capability]), [["kv.delete", "notebook"]]);
    assert.deepEqual(await found(), [id]);
    return shown.confirmation;
  });
  await check("notes_delete removes it when that is confirmed, and once", async () => {
    const { structuredContent: deleted } = await structured("notes_delete", { id, confirmation });
    assert.deepEqual(deleted, { id, title });
    const again = await session.callTool("notes_delete", { id, confirmation });
    assert.equal(again.isError, true, "it was confirmed twice");
    assert.deepEqual(await found(), []);
    assert.equal((await session.callTool("notes_read", { id })).isError, true, "it can still be read");
  });
  return done;
}
