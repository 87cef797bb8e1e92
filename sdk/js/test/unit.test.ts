import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { bytes, definePlugin, KvError, resourceUri, text, ToolError } from "../src/index.ts";
import { testPlugin } from "../src/testing.ts";
import { decode, encode } from "../src/utf8.ts";

test("the package carries the repository's contract unchanged", { skip: existsSync("../../wit") ? false : "not in the repository" }, () => {
  const wit = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".wit")).sort();
  assert.deepEqual(wit("wit"), wit("../../wit"));
  for (const name of wit("wit")) {
    assert.equal(readFileSync(`wit/${name}`, "utf8"), readFileSync(`../../wit/${name}`, "utf8"), `${name}: npm run sync-wit`);
  }
});

test("no lock file names a registry", () => {
  assert.doesNotMatch(readFileSync("package-lock.json", "utf8"), /"resolved": "https?:/);
});

test("UTF-8 agrees with the platform, well formed or not", () => {
  const samples = ["", "plain", "Ähre", "🏰🌾", "a\u0000b", "\ud800x", "x\udc00", "\ud83c", "\uffff\u{10ffff}"];
  for (const sample of samples) {
    assert.deepEqual(encode(sample), new TextEncoder().encode(sample), JSON.stringify(sample));
    assert.equal(decode(encode(sample)), new TextDecoder("utf-8", { ignoreBOM: true }).decode(encode(sample)));
  }
  // Every pair of bytes and many triples: overlong forms, surrogates, cut-off sequences, what is above U+10FFFF.
  const platform = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      for (const rest of [[], [0x80], [0x80, 0x80], [0xc3, 0xa9]]) {
        const input = new Uint8Array([first, second, ...rest]);
        assert.equal(decode(input), platform.decode(input), String(input));
      }
    }
  }
  assert.throws(() => decode(new Uint8Array([0x61, 0xff]), true), /byte 1 is not UTF-8/);
});

// As host/manifest/src/uri/template.rs writes them: percent signs are always written, and nothing else that may stay.
test("a resource's URI is written as the host lists it", () => {
  for (const [template, v, written] of [
    ["docs://pages/{+v}", "guides/Days & more.md", "docs://pages/guides/Days%20&%20more.md"],
    ["docs://pages/{v}", "guides/(a&b)", "docs://pages/guides%2F%28a%26b%29"],
    ["docs://pages/{+v}", "100%.md", "docs://pages/100%25.md"],
    ["docs://{v}/x", "休暇🏰", "docs://%E4%BC%91%E6%9A%87%F0%9F%8F%B0/x"],
    ["docs://{v}/{other}", "a$&", "docs://a%24%26/"],
    ["docs://fixed", "a", "docs://fixed"],
  ] as const) {
    assert.equal(resourceUri(template, { v }), written, template);
  }
});

const plugin = definePlugin({
  tools: {
    put(args: { key: string; value: string }, ctx) {
      ctx.kv("words", text).set(args.key, args.value);
      if (args.value === "bad") throw new ToolError("bad is not allowed");
      return { kept: args.value };
    },
    raw: (_args, ctx) => ({ raw: [...(ctx.kv("words", bytes).get("k") ?? [])] }),
    keys: (args: { prefix: string }, ctx) => ({ keys: [...ctx.kv("words").keys(args.prefix)] }),
    longKey(_args, ctx) {
      try {
        ctx.kv("words").get("x".repeat(513));
      } catch (error) {
        return { code: (error as KvError).code, isToolError: error instanceof ToolError };
      }
      return "unreachable";
    },
    unset(_args, ctx) {
      ctx.kv("words").set("k", undefined);
      return "unreachable";
    },
    nothing: (() => undefined) as any,
    list: (() => [1, 2]) as any,
  },
});

test("kv keeps text and bytes as they are", () => {
  const host = testPlugin(plugin, { kv: ["words"] });
  host.call("put", { key: "k", value: "é" });
  assert.deepEqual(host.call("raw").structured, { raw: [0xc3, 0xa9] });
});

test("what a failed call wrote is dropped", () => {
  const host = testPlugin(plugin, { kv: ["words"] });
  assert.equal(host.call("put", { key: "k", value: "bad" }).failed, "bad is not allowed");
  assert.deepEqual(host.call("raw").structured, { raw: [] });
});

test("keys come in byte order and only with their prefix", () => {
  const host = testPlugin(plugin, { kv: ["words"] });
  for (const key of ["b", "a🏰", "a\uffff", "a"]) host.call("put", { key, value: "x" });
  // In UTF-16 order the surrogates of 🏰 would come before U+FFFF.
  assert.deepEqual(host.call("keys", { prefix: "a" }).structured, { keys: ["a", "a\uffff", "a🏰"] });
});

test("a kv refusal has a code and is a ToolError", () => {
  const host = testPlugin(plugin, { kv: ["words"] });
  assert.deepEqual(host.call("longKey").structured, { code: "bad-key", isToolError: true });
});

test("a value without JSON is refused", () => {
  assert.match(testPlugin(plugin, { kv: ["words"] }).call("unset").failed!, /type undefined has no JSON/);
});

test("a handler that returns nothing, or an array, is told what to return", () => {
  const host = testPlugin(plugin, { kv: ["words"] });
  assert.match(host.call("nothing").failed!, /returned undefined. Return a string/);
  assert.match(host.call("list").failed!, /is an array. It has to be an object/);
});
