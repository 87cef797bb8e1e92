import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { definePlugin, FilesError, HttpError } from "../src/index.ts";
import { testPlugin, type TestOptions, type TestResponse } from "../src/testing.ts";

const API = "https://api.example/v1/things";

const plugin = definePlugin({
  tools: {
    look(args: { id: string }, ctx) {
      return ctx.http("api").get(API, { path: [args.id], query: { full: true, no: undefined, q: "a&b'" } }).success().json();
    },
    inside: (_args, ctx) => ctx.http("api").read(API).text(),
    make(args: { name: string }, ctx) {
      const answer = ctx.http("api").sendOrRecord("POST", API, { json: args, headers: { "X-Kind": "test" } });
      return { status: answer?.status ?? 0, kind: answer?.header("X-Kind") ?? "none", preview: ctx.preview };
    },
    code(_args, ctx) {
      try {
        ctx.http("api").post(API);
      } catch (error) {
        return { code: (error as HttpError).code };
      }
      return "unreachable";
    },
    nowhere: (_args, ctx) => ctx.http("other").get(API).text(),
    holder: (_args, ctx) => ctx.placeholder("api"),
    keep(args: { name: string; text: string }, ctx) {
      const docs = ctx.files("docs");
      docs.write(args.name, args.text);
      ctx.kv("rows").setExpiring("k", args.text, 60);
      return { size: docs.read(args.name)!.length, names: [...docs.entries()].map((entry) => entry.name) };
    },
    kept(_args, ctx) {
      const docs = ctx.files("docs");
      return { text: docs.readText("a.txt") ?? "none", row: ctx.kv("rows").get("k") ?? "none", removed: docs.remove("a.txt") };
    },
    badName(args: { name: string }, ctx) {
      try {
        ctx.files("docs").read(args.name);
      } catch (error) {
        return { code: (error as FilesError).code };
      }
      return "unreachable";
    },
    plan(_args, ctx) {
      ctx.kv("rows").set("asked", true);
      const { when } = ctx.ask("when", "When?", { when: { type: "string", enum: ["today", "never"], title: "When" } });
      const { many, why } = ctx.ask("many", "How many?", { many: { type: "integer", minimum: 1 }, why: { type: "string", optional: true } });
      // Compiles only if the fields' types are those of their schemas.
      const typed: { when: "today" | "never"; many: number; why?: string } = { when, many };
      if (why !== undefined) typed.why = why;
      return typed;
    },
    either: (_args, ctx) => ({ ...ctx.askForReply("when", "When?", { soon: { type: "boolean" } }) }),
  },
});

const host = (options: TestOptions = {}, answer: TestResponse = {}) =>
  testPlugin(plugin, { kv: ["rows"], files: ["docs"], http: { api: () => answer }, ...options });

describe("http", () => {
  test("a request has what was said of it, escaped", () => {
    const made = host({}, { json: { id: 7 } });
    assert.deepEqual(made.call("look", { id: "a b" }).structured, { id: 7 });
    const url = `${API}/a%20b?full=true&q=a%26b%27`;
    assert.deepEqual(made.requests, [{ capability: "api", way: "send", method: "GET", url, headers: {} }]);
  });

  for (const id of ["", ".", "..", "a/b", "a\\b", "a;b", "%2e"]) {
    test(`a segment that would be another path (${id}) is not sent`, () => {
      const made = host();
      assert.match(made.call("look", { id }).failed!, /can't stand in a path/);
      assert.deepEqual(made.requests, []);
    });
  }

  test("a status that says no tells the model what was asked and said", () => {
    const failed = host({}, { status: 404, body: "no such thing" }).call("look", { id: "7" }).failed;
    assert.equal(failed, `GET ${API}/7 was answered with status 404: no such thing`);
    assert.equal(host({}, { status: 500 }).call("look", { id: "7" }).failed, `GET ${API}/7 was answered with status 500.`);
  });

  test("a body that is no JSON is said in words", () => {
    assert.match(host({}, { body: "<html>" }).call("look", { id: "7" }).failed!, /^The answer to GET .*\/7 can't be read: /);
  });

  test("reading goes by the function that only reads", () => {
    const made = host({}, { body: "yes" });
    assert.equal(made.call("inside").text, "yes");
    assert.equal(made.requests[0]!.way, "read");
  });

  test("a body goes as JSON and says so", () => {
    const made = host({}, { status: 201, headers: { "x-kind": "made" } });
    assert.deepEqual(made.call("make", { name: "é" }).structured, { status: 201, kind: "made", preview: false });
    const { headers, body } = made.requests[0]!;
    assert.deepEqual([headers, body], [{ "x-kind": "test", "content-type": "application/json" }, '{"name":"é"}']);
  });

  test("in a preview a tool that needs the answer ends and says why, and another goes on", () => {
    const made = host({ preview: true }, { body: "never seen" });
    assert.equal(made.call("look", { id: "7" }).failed, `In a preview nothing is sent, and this tool needs the answer to GET ${API}/7 to go on.`);
    assert.deepEqual(made.call("make", { name: "a" }).structured, { status: 0, kind: "none", preview: true });
    assert.deepEqual(made.call("code").structured, { code: "recorded" });
    assert.equal(made.requests.length, 3);
  });

  test("a capability that the manifest lacks is named with what would add it", () => {
    assert.match(host().call("nowhere").failed!, /declares no http capability `other`; it declares `api`.*kind = "http"/);
  });

  test("a placeholder stands in for the secret", () => {
    assert.equal(host().call("holder").text, "placeholder-api");
  });
});

describe("files and keys that expire", () => {
  test("what was kept is there in the next call", () => {
    const made = host();
    assert.deepEqual(made.call("keep", { name: "b.txt", text: "é" }).structured, { size: 2, names: ["b.txt"] });
    assert.deepEqual(made.call("keep", { name: "a.txt", text: "x" }).structured.names, ["a.txt", "b.txt"]);
    assert.deepEqual(made.call("kept").structured, { text: "x", row: "x", removed: true });
    assert.deepEqual(made.call("kept").structured, { text: "none", row: "x", removed: false });
  });

  test("what a preview kept is dropped", () => {
    const made = host({ preview: true });
    made.call("keep", { name: "a.txt", text: "x" });
    assert.deepEqual(made.call("kept").structured, { text: "none", row: "none", removed: false });
  });

  for (const name of ["", ".a", "a/b", "..", " a", "a ", "é", "n".repeat(129)]) {
    test(`a bad name (${name.slice(0, 9)}) is refused`, () => {
      assert.deepEqual(host().call("badName", { name }).structured, { code: "bad-name" });
    });
  }
});

describe("questions", () => {
  test("a question that nobody answers stays open, and what was written before is dropped", () => {
    const made = host();
    const [asked] = made.call("plan").asked!;
    assert.deepEqual(asked, {
      key: "when",
      message: "When?",
      schema: { type: "object", properties: { when: { type: "string", enum: ["today", "never"], title: "When" } }, required: ["when"] },
    });
    const [next] = host({ answers: { when: { when: "today" } } }).call("plan").asked!;
    assert.deepEqual(next!.schema.required, ["many"]);
  });

  test("each round keeps the answers before", () => {
    const made = host({ answers: { when: { when: "today" }, many: { many: 2 } } });
    assert.deepEqual(made.call("plan").structured, { when: "today", many: 2 });
  });

  test("who does not answer ends the tool, unless it asks for that", () => {
    assert.match(host({ answers: { when: "declined" } }).call("plan").failed!, /did not want to answer, and nothing was done/);
    assert.match(host({ answers: { when: "cancelled" } }).call("plan").failed!, /closed the question/);
    assert.deepEqual(host({ answers: { when: "cancelled" } }).call("either").structured, { tag: "cancelled" });
    assert.deepEqual(host({ answers: { when: { soon: true } } }).call("either").structured, { tag: "accepted", answer: { soon: true } });
  });
});
