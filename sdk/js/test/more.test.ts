import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { definePlugin, fetched, ToolError, type Read, type Written } from "../src/index.ts";
import { testPlugin, type TestOptions } from "../src/testing.ts";

const plugin = definePlugin({
  tools: {
    count(_args, ctx) {
      for (const done of [1, 1, 2]) ctx.report(done, { total: 2 });
      ctx.notice("info", ctx.assets.names("w/").join());
      return ctx.assets.readText("none");
    },
    fetch: ({ id }: { id: string }) => fetched({ id, title: "T", text: "x", url: "https://x.example", metadata: { n: 1 } }),
    said: (_args, ctx) => ctx.sample("s", { messages: [{ role: "user", content: "?" }], maxTokens: 5 }).text + ctx.roots("r").length,
    where: (_args, ctx) => ({ city: ctx.hints.location?.city ?? "nowhere" }),
  },
  resources: {
    word: ({ variables }: Read<{ n: string }>, ctx) => ctx.assets.readText("w/words").split(" ")[Number(variables.n)],
    bad: () => 7 as any,
  },
  prompts: {
    ask: ({ word }: { word: string }, ctx) => {
      const { sure } = ctx.ask("sure", "Sure?", { sure: { type: "boolean" } });
      if (!sure) throw new ToolError("Not sure.");
      return `What is ${word}?`;
    },
    bad: (() => undefined) as any,
  },
  completions: {
    prompts: { ask: { word: ({ value }: Written) => ["ab", "b"].filter((word) => word.startsWith(value)) } },
    resources: { word: { n: () => ({ values: ["1"], hasMore: true }) } },
  },
});

const host = (options: TestOptions = {}) => testPlugin(plugin, { assets: { "w/words": "a b", x: new Uint8Array() }, ...options });

describe("more than tools", () => {
  test("progress goes forward only, and a missing asset fails the call by name", () => {
    const made = host();
    assert.equal(made.call("count").failed, "The release has no asset `none`.");
    assert.deepEqual(made.told, [{ done: 1, total: 2 }, { done: 2, total: 2 }, { level: "info", message: "w/words" }]);
  });

  test("a document has exactly the shape that clients know", () => {
    const { text, structured } = host().call("fetch", { id: "a" });
    assert.equal(text, '{"id":"a","title":"T","text":"x","url":"https://x.example","metadata":{"n":1}}');
    assert.deepEqual(structured, JSON.parse(text));
  });

  test("the model and the roots answer by their keys", () => {
    assert.deepEqual(host().call("said").open, ["s"]);
    const s = { role: "assistant", model: "m", content: [{ type: "text", text: "yes" }] };
    assert.equal(host({ answers: { s, r: { roots: [] } } }).call("said").text, "yes0");
    assert.match(host({ answers: { s: "declined" } }).call("said").failed!, /did not ask its model/);
  });

  test("hints are what the client gave", () => {
    assert.deepEqual(host().call("where").structured, { city: "nowhere" });
    assert.deepEqual(host({ hints: { location: { city: "Lyon" } } }).call("where").structured, { city: "Lyon" });
  });

  test("a resource is there or not", () => {
    assert.deepEqual(host().read("word", "w://1", { n: "1" }).contents, [{ uri: "w://1", mimeType: "", body: { tag: "text", val: "b" } }]);
    assert.deepEqual(host().read("word", "w://2", { n: "2" }), {});
    assert.match(host().read("bad", "w://").failed!, /`bad` gave what is no contents/);
  });

  test("a prompt may ask, and fail", () => {
    assert.equal(host().prompt("ask", { word: "b" }).asked![0]!.key, "sure");
    const sure = (sure: boolean) => host({ answers: { sure: { sure } } }).prompt("ask", { word: "b" });
    assert.deepEqual(sure(true).messages, [{ role: "user", content: { tag: "text", val: "What is b?" } }]);
    assert.equal(sure(false).failed, "Not sure.");
    assert.match(host().prompt("bad").failed!, /`bad` gave no messages/);
  });

  test("completions say how many there are, if that is known", () => {
    assert.deepEqual(host().complete({ prompt: "ask", argument: "word" }, "a"), { values: ["ab"], total: 1, hasMore: false });
    assert.deepEqual(host().complete({ resource: "word", variable: "n" }, ""), { values: ["1"], total: null, hasMore: true });
    assert.deepEqual(host().complete({ resource: "word", variable: "z" }, "").values, []);
  });
});
