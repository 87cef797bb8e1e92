import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { build } from "@portcullis/plugin/build";
import { load, type Call, type Loaded } from "./component.ts";

const manifest = "test/fixture/plugin.toml";
const fixture = { manifest, entry: "src/main.ts" };

/** The host's side of the contract, in the form that jco gives to a host: options are undefined, a u64 is a bigint. */
function host() {
  const rows = new Map<string, Uint8Array>();
  const lines: string[] = [];
  const refuse = (tag: string, val: string) => {
    throw { tag, val };
  };
  const docs = new Map<string, Uint8Array>();
  const asked: any[] = [];
  const talk: { round?: any } = {};
  const answer = (_name: string, request: any) => {
    asked.push(request);
    if (request.url.startsWith("https://evil")) return refuse("not-granted", "only https://api.example");
    if (request.url.endsWith("/recorded")) return { tag: "recorded" };
    const body = new TextEncoder().encode(request.method === "GET" ? "ürgh" : '{"made":true}');
    return { tag: "response", val: { status: 200, headers: [{ name: "x-a", value: "1" }], body } };
  };
  const same = (a?: Uint8Array, b?: Uint8Array) => (a === undefined) === (b === undefined) && String(a) === String(b);
  const interfaces = {
    log: { write: (level: string, message: string) => void lines.push(`${level}: ${message}`) },
    caller: {
      get: () => ({ subject: "p-1", scopes: ["a:read", "b"], locale: undefined, correlationId: "c-1", timeLeftMs: 1234n, preview: false }),
      hints: () => [{ name: "locale", value: '"fr"' }, { name: "location", value: '{"city":"Lyon"}' }],
    },
    progress: {
      report: (...all: any[]) => void lines.push(`report: ${all.map(String).join()}`),
      notice: (level: string, message: string) => void lines.push(`notice: ${level}: ${message}`),
    },
    assets: {
      read: (name: string) => (name === "a.txt" ? new TextEncoder().encode("äb") : undefined),
      readPart: (_name: string, offset: bigint, length: number) => new TextEncoder().encode("äb").slice(Number(offset), Number(offset) + length),
      listNames: (prefix: string) => ["a.txt"].filter((name) => name.startsWith(prefix)),
    },
    egress: { read: answer, send: answer },
    secrets: { placeholder: (name: string) => `stand-in-${name}` },
    questions: { answered: () => talk.round },
    files: {
      read: (_name: string, file: string) => docs.get(file),
      write: (_name: string, file: string, data: Uint8Array) => void docs.set(file, data),
      remove: (_name: string, file: string) => docs.delete(file),
      listFiles: () => ({ entries: [...docs].map(([name, data]) => ({ name, size: BigInt(data.length) })), next: undefined }),
    },
    kv: {
      get: (_name: string, key: string) => rows.get(key),
      set: (_name: string, key: string, value: Uint8Array) =>
        key === "" ? refuse("bad-key", "the key is empty") : void rows.set(key, value),
      setExpiring: (_name: string, key: string, value: Uint8Array) => void rows.set(key, value),
      delete: (_name: string, key: string) => rows.delete(key),
      listKeys: (_name: string, prefix: string, cursor: string | undefined, limit: number) => {
        const left = [...rows.keys()].filter((key) => key.startsWith(prefix) && key > (cursor ?? "")).sort();
        return { keys: left.slice(0, limit), next: left.length > limit ? left[limit - 1] : undefined };
      },
      compareAndSet: (_name: string, key: string, expected?: Uint8Array, value?: Uint8Array) => {
        if (!same(rows.get(key), expected)) return false;
        if (value === undefined) rows.delete(key);
        else rows.set(key, value);
        return true;
      },
    },
  };
  return { interfaces, lines, asked, talk };
}

describe("a component without extras", () => {
  const { interfaces, lines, asked, talk } = host();
  let made: Awaited<ReturnType<typeof build>>;
  let call: Call;
  let on: Loaded["on"];

  before(async () => {
    made = await build(fixture);
    ({ call, on } = await load(made.file, interfaces));
  });
  after(() => rmSync(made.file));

  const structured = async (tool: string, args?: object) => {
    const outcome = await call(tool, args);
    assert.equal(outcome.tag, "done", JSON.stringify(outcome));
    return JSON.parse(outcome.val.structured);
  };
  const failed = async (tool: string, args?: object) => {
    const outcome = await call(tool, args);
    assert.equal(outcome.tag, "failed", JSON.stringify(outcome));
    return outcome.val as string;
  };

  test("imports what the plugin uses and no more", () => {
    const names = ["assets", "caller", "egress", "files", "kv", "log", "progress", "questions", "secrets", "types"].map((name) => `portcullis:plugin/${name}@0.1.0`);
    assert.deepEqual([...made.imports].sort(), names);
  });

  test("a string becomes text", async () => {
    const { val } = await call("text");
    assert.deepEqual(val.content, [{ tag: "text", val: "just text, mit Ünïcödé 🏰" }]);
    assert.equal(val.structured, undefined);
  });

  test("an object becomes structured content, and the host words the text", async () => {
    const { val } = await call("structured", { n: 21 });
    assert.deepEqual(val, { content: [], structured: '{"doubled":42}', meta: undefined });
  });

  test("an explicit answer has every part that was given", async () => {
    const { val } = await call("explicit");
    assert.deepEqual(val.content, [
      { tag: "text", val: "a picture" },
      { tag: "image", val: { data: new Uint8Array([1, 2, 255]), mimeType: "image/png" } },
      { tag: "link", val: { uri: "https://example.com/", name: "more", mimeType: undefined } },
    ]);
    assert.equal(val.structured, '{"seen":true}');
    assert.equal(val.meta, '{"example.com/kind":"test"}');
  });

  test("kv values come back as they went", async () => {
    assert.deepEqual(await structured("store"), {
      before: "none",
      got: { title: "erste Ähre 🌾" },
      swapped: true,
      swappedAgain: false,
      page: { keys: ["a"], next: "a" },
      keys: ["a", "b"],
      removed: true,
      last: { title: "second" },
    });
  });

  test("a refusal of the host reaches the model in the host's words", async () => {
    assert.equal(await failed("refused"), "the key is empty");
  });

  test("a capability that the manifest lacks is named with what would add it", async () => {
    assert.match(await failed("undeclared"), /plugin\.toml declares no kv capability `diary`; it declares `notebook`.*\[capability\.diary\]/);
  });

  test("requests go out and answers come in as they are", async () => {
    assert.deepEqual(await structured("fetch"), { read: [200, "ürgh", "1"], sent: { made: true }, placeholder: "stand-in-api" });
    assert.deepEqual([asked[0].method, asked[0].url, asked[0].body], ["GET", "https://api.example/v1/a", undefined]);
    assert.deepEqual(asked[1].headers, [{ name: "content-type", value: "application/json" }]);
    assert.equal(new TextDecoder().decode(asked[1].body), '{"n":1}');
  });

  test("a recorded request has no answer", async () => {
    assert.deepEqual(await structured("record"), { answered: false });
  });

  test("files come back as they went", async () => {
    const entries = [{ name: "a.txt", size: 2 }, { name: "b.json", size: 3 }];
    assert.deepEqual(await structured("keep"), { text: "é", json: [1], entries, removed: true, gone: null });
  });

  test("each question is asked once, and all answers are there in the end", async () => {
    const first = await call("ask");
    assert.equal(first.tag, "needs-input", JSON.stringify(first));
    assert.deepEqual(first.val.questions.map((question: any) => [question.key, question.message]), [["first", "First?"]]);
    assert.deepEqual(JSON.parse(first.val.questions[0].schema).required, ["a"]);
    talk.round = { state: first.val.state, answers: [{ key: "first", reply: { tag: "accepted", val: '{"a":"ä"}' } }] };
    const second = await call("ask");
    assert.deepEqual(second.val.questions.map((question: any) => question.key), ["second"]);
    talk.round = { state: second.val.state, answers: [{ key: "second", reply: { tag: "accepted", val: '{"b":2}' } }] };
    assert.deepEqual(await structured("ask"), { a: "ä", b: 2 });
    talk.round = { state: second.val.state, answers: [{ key: "second", reply: { tag: "declined" } }] };
    assert.match(await failed("ask"), /did not want to answer/);
    talk.round = undefined;
  });

  test("the client's model and roots are asked as the person is", async () => {
    const first = await call("client");
    const [sampling] = first.val.samplings;
    assert.deepEqual([sampling.key, sampling.maxTokens, sampling.temperature, sampling.systemPrompt], ["greeting", 50, 0.5, undefined]);
    assert.deepEqual(sampling.messages, [{ role: "user", content: { tag: "text", val: "Greet." } }]);
    const said = JSON.stringify({ role: "assistant", model: "m", content: { type: "text", text: "Hi" } });
    talk.round = { state: first.val.state, answers: [{ key: "greeting", reply: { tag: "accepted", val: said } }] };
    const second = await call("client");
    assert.deepEqual([second.val.roots, second.val.samplings], [["folders"], []]);
    talk.round = { state: second.val.state, answers: [{ key: "folders", reply: { tag: "accepted", val: '{"roots":[{"uri":"file:///a"}]}' } }] };
    const hints = { locale: "fr", location: { city: "Lyon" } };
    assert.deepEqual(await structured("client"), { text: "Hi", model: "m", root: { uri: "file:///a" }, hints });
    talk.round = { state: second.val.state, answers: [{ key: "folders", reply: { tag: "declined" } }] };
    assert.match(await failed("client"), /did not give its roots/);
    talk.round = undefined;
  });

  test("files of the release are read", async () => {
    assert.deepEqual(await structured("released"), { text: "äb", part: [0xa4], names: ["a.txt"], gone: null });
  });

  test("progress and notices reach the client", async () => {
    lines.length = 0;
    await call("stages");
    assert.deepEqual(lines, ["report: 1,2,half", "report: 2,undefined,undefined", "notice: warning: done"]);
  });

  test("search results are the structure and the same text", async () => {
    const { val } = await call("search");
    assert.equal(val.structured, '{"results":[{"id":"a","title":"Ä","url":"https://x.example/a"}]}');
    assert.deepEqual(val.content, [{ tag: "text", val: val.structured }]);
  });

  const read = (path: string) => on("resources", "read", "page", `fixture://pages/${path}`, [{ name: "path", value: path }]);

  test("a resource is read where it was asked for, with the manifest's type", async () => {
    const page = { uri: "fixture://pages/a", mimeType: "text/plain", body: { tag: "text", val: "Seite ä" } };
    assert.deepEqual(await read("a"), { tag: "done", val: [page] });
    assert.deepEqual(await read("bytes"), {
      tag: "done",
      val: [
        { uri: "fixture://pages/bytes/1", mimeType: "image/png", body: { tag: "blob", val: new Uint8Array([0, 255]) } },
        { uri: "fixture://pages/bytes", mimeType: "text/plain", body: { tag: "text", val: "2" } },
      ],
    });
  });

  test("what is not there is told apart from what failed", async () => {
    assert.equal((await read("z")).tag, "not-found");
    assert.deepEqual(await read("broken"), { tag: "failed", val: "It is torn." });
    assert.match((await read("crash")).val, /^`page` failed inside its plugin/);
  });

  test("a prompt has its messages in their order", async () => {
    const { val } = await on("prompts", "get", "greet", [{ name: "who", value: "Änne" }]);
    assert.equal(val.description, "A greeting");
    assert.deepEqual(val.messages, [
      { role: "user", content: { tag: "embedded", val: { uri: "fixture://pages/a", mimeType: "", body: { tag: "text", val: "Seite" } } } },
      { role: "assistant", content: { tag: "text", val: "Hello Änne, kindly" } },
    ]);
  });

  test("completions are offered for what the manifest completes, a hundred at most", async () => {
    const complete = (tag: string, val: string, argument: string) =>
      on("completions", "complete", { tag, val }, argument, "A", [{ name: "how", value: "loudly" }]);
    assert.deepEqual(await complete("prompt", "greet", "who"), { values: ["Ana", "loudly"], total: 2, hasMore: false });
    const paths = await complete("resource", "page", "path");
    assert.deepEqual([paths.values.length, paths.values[99], paths.total, paths.hasMore], [100, "A99", 120, true]);
    assert.deepEqual((await complete("prompt", "greet", "how")).values, []);
  });

  test("facts about the caller arrive, and an absent one stays absent", async () => {
    assert.deepEqual(await structured("who"), { subject: "p-1", scopes: ["a:read", "b"], correlationId: "c-1", timeLeftMs: 1234, preview: false });
  });

  test("log and console write to the host's log", async () => {
    lines.length = 0;
    await call("tell");
    assert.deepEqual(lines, ["warn: careful", 'info: counted {"n":1}']);
  });

  test("a ToolError is told to the model", async () => {
    assert.equal(await failed("fail"), "`n` has to be even");
  });

  test("a bug is told to the operator in full and to the model in general", async () => {
    lines.length = 0;
    assert.match(await failed("crash"), /^`crash` failed inside its plugin/);
    assert.match(lines[0]!, /^error: crash: TypeError: cannot read property 'nothing' of undefined\n\s+at crash /);
  });

  for (const how of ["error", "null"]) {
    test(`a full memory (${how}) is said in words`, async () => {
      assert.match(await failed("hoard", { how }), /`hoard` ran out of memory.*limits\.memory/);
    });
  }

  test("a promise is refused with the reason", async () => {
    assert.match(await failed("promise"), /`promise` returned a promise. Handlers are synchronous/);
  });

  test("no variable outlives a call", async () => {
    assert.deepEqual(await structured("count"), { counted: 1 });
    assert.deepEqual(await structured("count"), { counted: 1 });
  });

  for (const how of ["random", "values", "uuid"]) {
    test(`randomness (${how}) is refused instead of being the same in every call`, async () => {
      assert.match(await failed("chance", { how }), /built without randomness.*--with random/);
    });
  }

  for (const how of ["now", "date", "call", "performance"]) {
    test(`the time (${how}) is refused instead of trapping`, async () => {
      assert.match(await failed("time", { how }), /built without a clock.*--with clock/);
    });
  }

  test("a Date of a given time is an ordinary Date", async () => {
    const noon = Date.UTC(2026, 10, 22, 12);
    assert.deepEqual(await structured("time", { how: "given" }), { got: [noon, true, noon, true] });
  });
});

describe("a component with clock and random", () => {
  let made: Awaited<ReturnType<typeof build>>;
  let call: Call;
  const got = async (tool: string, how: string) => JSON.parse((await call(tool, { how })).val.structured).got;

  before(async () => {
    made = await build({ ...fixture, extras: ["clock", "random"] });
    ({ call } = await load(made.file, host().interfaces));
  });
  after(() => rmSync(made.file));

  test("imports beyond its own only what is on the base list", () => {
    const rest = made.imports.filter((name: string) => !name.startsWith("portcullis:plugin/"));
    assert.ok(rest.some((name: string) => name.startsWith("wasi:random/random@0.2.")));
    assert.ok(rest.every((name: string) => /^wasi:(cli|clocks|filesystem|io|random)\//.test(name)), rest.join());
  });

  for (const how of ["random", "values", "uuid"]) {
    test(`randomness (${how}) differs from call to call`, async () => {
      assert.notDeepEqual(await got("chance", how), await got("chance", how));
    });
  }

  test("Math.random is in [0, 1)", async () => {
    const value = await got("chance", "random");
    assert.ok(value >= 0 && value < 1, String(value));
  });

  test("a UUID has the form of version 4", async () => {
    assert.match(await got("chance", "uuid"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  for (const how of ["now", "date", "performance"]) {
    test(`the time (${how}) is the time of the call`, async () => {
      const before = Date.now();
      const value = await got("time", how);
      assert.ok(value >= before && value <= Date.now(), `${before} ${value}`);
    });
  }
});

describe("a build", () => {
  const broken = (entry: string) => build({ manifest, entry: `broken/${entry}.ts` });

  test("refuses a plugin whose tools differ from its manifest", async () => {
    await assert.rejects(broken("missing"), /plugin\.toml lists `text`.*which definePlugin lacks.*`other`, which plugin\.toml lacks/s);
  });

  test("refuses randomness at the top level of a module", async () => {
    await assert.rejects(broken("early"), /Math\.random\(\) was called at the top level of a module/);
  });

  test("refuses modules of Node and says why", async () => {
    await assert.rejects(broken("node"), /Could not resolve "node:fs"\n {2}It belongs to Node. A plugin has no files/);
  });

  test("refuses an extra that does not exist", async () => {
    await assert.rejects(build({ ...fixture, extras: ["network"] }), /--with network: there is only clock and random/);
  });

  test("says what to do when there is no manifest", async () => {
    await assert.rejects(build({ manifest: "test/nowhere.toml" }), /There is no manifest at test\/nowhere\.toml/);
  });
});
