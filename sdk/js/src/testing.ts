/**
 * For an author's own tests: runs a plugin's tools as the component would, in Node, with kv and files in memory, requests
 * answered by a function of the test and questions by a list. Whether the real host grants what the tool does is decided by
 * the host, so a plugin should also be run there once.
 */

import type {
  EgressImport,
  FilesImport,
  Imports,
  KvImport,
  Level,
  ManifestFacts,
  NeedsInput,
  NoticeLevel,
  WireAnswer,
  WireArgument,
  WireCompletion,
  WireContent,
  WireContents,
  WireMessage,
  WireRequest,
  WireRound,
} from "./contract.ts";
import { serve } from "./guest.ts";
import type { Caller, Hints, Plugin } from "./plugin.ts";
import { decode, encode } from "./utf8.ts";

/** A request, as a tool made it. */
export interface TestRequest {
  /** The capability that it was made with. */
  capability: string;
  /** By which function of the host: `read` reaches only what is inside the operator's boundary. */
  way: "read" | "send";
  method: string;
  url: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The body as text. Absent: none. */
  body?: string;
}

/** What a test answers a request with. */
export interface TestResponse {
  /** 200 when left out. */
  status?: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** The body as JSON. */
  json?: unknown;
}

/** How the tools are run. */
export interface TestOptions {
  /** Names of the kv capabilities in the manifest. */
  kv?: string[];
  /** Names of the files capabilities in the manifest. */
  files?: string[];
  /** The http capabilities in the manifest, each with what answers its requests. */
  http?: Record<string, (request: TestRequest) => TestResponse>;
  /** The files of the release. */
  assets?: Record<string, string | Uint8Array>;
  /** What the client says of the person. */
  hints?: Hints;
  /**
   * What the person answers, by the key of the question; what the client's model says, as an MCP `CreateMessageResult`; the client's
   * roots, as a `ListRootsResult`. What is not here stays open.
   */
  answers?: Record<string, object | "declined" | "cancelled">;
  /** Calls are previews: requests are recorded and have no answer, and nothing that a call writes stays. */
  preview?: boolean;
  /** Facts about the caller; a signed-in person without scopes and without a locale when left out. */
  caller?: Partial<Caller>;
}

/** A question that a tool asked. */
export interface TestQuestion {
  key: string;
  message: string;
  /** Its JSON Schema. */
  schema: any;
}

/** What did not come to an answer. */
export interface TestEnding {
  /** What it failed with. Absent: it did not fail. */
  failed?: string;
  /** What it asked the person and nobody answered. Absent: nothing. */
  asked?: TestQuestion[];
  /** The keys of everything that nobody answered. Absent: nothing. */
  open?: string[];
}

/** What a call came to. */
export interface TestOutcome extends TestEnding {
  /** The structured content. Absent: there is none, or the call failed. */
  structured?: any;
  /** All text of the content, joined by newlines. */
  text: string;
  content: WireContent[];
}

/** What a read came to. */
export interface TestReading extends TestEnding {
  /** Absent: there is nothing under that URI, or the read failed. */
  contents?: WireContents[];
}

/** What a prompt came to. */
export interface TestPrompt extends TestEnding {
  description?: string;
  messages: WireMessage[];
}

/** What a call told the client while it ran. */
export type Told = { done: number; total?: number; message?: string } | { level: NoticeLevel; message: string };

/** A plugin under test. */
export interface TestPlugin {
  /** Calls a tool in the way of the host: arguments and result pass through JSON, writes are dropped when it fails. */
  call(tool: string, args?: object): TestOutcome;
  /** Reads a resource. Its type is the empty text unless the code says one: that of the manifest is not known here. */
  read(name: string, uri: string, variables?: Record<string, string>): TestReading;
  /** Gets a prompt. */
  prompt(name: string, args?: Record<string, string>): TestPrompt;
  /** What `argument` of a prompt or `variable` of a resource could be that begins with `value`. */
  complete(
    of: { prompt: string; argument: string } | { resource: string; variable: string },
    value: string,
    context?: Record<string, string>,
  ): WireCompletion;
  /** What calls told the client so far. */
  readonly told: Told[];
  /** What was logged so far. */
  readonly logged: { level: Level; message: string }[];
  /** What was requested so far, in previews too. */
  readonly requests: TestRequest[];
}

/** Makes `plugin` callable. Its kv and files start empty and last as long as the value that is given back. */
export function testPlugin(plugin: Plugin, options: TestOptions = {}): TestPlugin {
  const { kv = [], files = [], http = {}, answers = {}, preview = false, caller = {}, assets = {}, hints = {} } = options;
  const logged: TestPlugin["logged"] = [];
  const told: Told[] = [];
  const release = new Map(Object.entries(assets).map(([name, data]) => [name, typeof data === "string" ? encode(data) : data]));
  const rows = new MemoryKv();
  const folders = new MemoryFiles();
  const egress = new Answering(http, preview);
  const kinds = (names: string[], kind: string) => names.map((name) => [name, kind]);
  const manifest: ManifestFacts = {
    file: "plugin.toml",
    tools: Object.keys(plugin.tools),
    resources: Object.fromEntries(Object.keys(plugin.resources ?? {}).map((name) => [name, ""])),
    prompts: Object.keys(plugin.prompts ?? {}),
    completions: (["prompt", "resource"] as const).flatMap((kind) =>
      Object.entries(plugin.completions?.[`${kind}s`] ?? {}).flatMap(([name, of]) => Object.keys(of).map((one) => `${kind}/${name}/${one}`)),
    ),
    capabilities: Object.fromEntries([...kinds(kv, "kv"), ...kinds(files, "files"), ...kinds(Object.keys(http), "http")]),
  };
  const known = { subject: "test-person", scopes: [], locale: null, correlationId: "test-call", timeLeftMs: 10_000, preview };
  const facts = { ...known, ...caller };
  let round: WireRound | null = null;
  const imports: Imports = {
    log: { write: (level, message) => void logged.push({ level, message }) },
    kv: rows,
    files: folders,
    egress,
    secrets: { placeholder: (capability) => `placeholder-${capability}` },
    questions: { answered: () => round },
    caller: {
      get: () => facts,
      hints: () => Object.entries(hints).map(([name, value]) => ({ name, value: JSON.stringify(value) })),
    },
    progress: {
      report(done, total, message) {
        const last = told.findLast((one) => "done" in one);
        if (last !== undefined && done <= last.done) return;
        told.push({ done, ...(total === null ? {} : { total }), ...(message === null ? {} : { message }) });
      },
      notice: (level, message) => void told.push({ level, message }),
    },
    assets: {
      read: (name) => release.get(name)?.slice() ?? null,
      readPart: (name, offset, length) => release.get(name)?.slice(offset, offset + length) ?? null,
      listNames: (prefix) =>
        [...release.keys()].filter((name) => name.startsWith(prefix)).sort((a, b) => compare(encode(a), encode(b))),
    },
    random: { getRandomBytes: (length) => (globalThis as any).crypto.getRandomValues(new Uint8Array(length)) },
    clock: true,
  };
  const served = serve(plugin, manifest, imports);

  /** Round after round, as long as `answers` has what is asked. What a round wrote stays only if it was the last. */
  function run<D>(call: () => { tag: "done"; val: D } | { tag: "not-found" } | Unfinished): Ended<D> {
    const before = [rows.snapshot(), folders.snapshot()] as const;
    const outcome = call();
    if (outcome.tag !== "done" || preview) {
      rows.restore(before[0]);
      folders.restore(before[1]);
    }
    if (outcome.tag === "done") return { done: outcome.val, ending: {} };
    if (outcome.tag === "not-found") return { ending: {} };
    if (outcome.tag === "failed") return { ending: { failed: outcome.val } };
    const { questions, samplings, roots, state } = outcome.val;
    const keys = [...questions.map(({ key }) => key), ...samplings.map(({ key }) => key), ...roots];
    const replies = keys.map((key) => replied(key, answers[key]));
    if (replies.some((reply) => reply === undefined)) {
      return { ending: { asked: questions.map((asked) => ({ ...asked, schema: JSON.parse(asked.schema) })), open: keys } };
    }
    round = { state, answers: replies as WireAnswer[] };
    return run(call);
  }
  function first<D>(call: Parameters<typeof run<D>>[0]): Ended<D> {
    round = null;
    return run(call);
  }
  return {
    logged,
    told,
    requests: egress.requests,
    call(tool, args = {}) {
      const { done, ending } = first(() => served.tools.call(tool, JSON.stringify(args)));
      if (done === undefined) return { text: "", content: [], ...ending };
      const { content, structured } = done;
      const text = content.flatMap((part) => (part.tag === "text" ? [part.val] : [])).join("\n");
      return structured === null ? { text, content } : { text, content, structured: JSON.parse(structured) };
    },
    read(name, uri, variables = {}) {
      const { done, ending } = first(() => served.resources.read(name, uri, named(variables)));
      return done === undefined ? ending : { contents: done };
    },
    prompt(name, args = {}) {
      const { done, ending } = first(() => served.prompts.get(name, named(args)));
      if (done === undefined) return { messages: [], ...ending };
      const { description, messages } = done;
      return description === null ? { messages } : { description, messages };
    },
    complete(of, value, context = {}) {
      const [target, argument] =
        "prompt" in of ? [{ tag: "prompt" as const, val: of.prompt }, of.argument] : [{ tag: "resource" as const, val: of.resource }, of.variable];
      return served.completions.complete(target, argument, value, named(context));
    },
  };
}

type Unfinished = { tag: "failed"; val: string } | { tag: "needs-input"; val: NeedsInput };
type Ended<D> = { done?: D; ending: TestEnding };

function named(values: Record<string, string>): WireArgument[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function replied(key: string, answer: object | "declined" | "cancelled" | undefined): WireAnswer | undefined {
  if (answer === undefined) return undefined;
  if (typeof answer === "string") return { key, reply: { tag: answer } };
  return { key, reply: { tag: "accepted", val: JSON.stringify(answer) } };
}

/** A refusal in the form in which the host's arrive. */
function refuse(tag: string, val: string): never {
  throw Object.assign(new Error(val), { payload: { tag, val } });
}

/** Requests that a function of the test answers. */
class Answering implements EgressImport {
  readonly requests: TestRequest[] = [];
  readonly #http: NonNullable<TestOptions["http"]>;
  readonly #preview: boolean;

  constructor(http: NonNullable<TestOptions["http"]>, preview: boolean) {
    this.#http = http;
    this.#preview = preview;
  }

  read(capability: string, request: WireRequest) {
    return this.#answer("read", capability, request);
  }

  send(capability: string, request: WireRequest) {
    return this.#answer("send", capability, request);
  }

  #answer(way: "read" | "send", capability: string, { method, url, headers, body }: WireRequest) {
    if (way === "read" && method !== "GET" && method !== "HEAD") refuse("not-granted", `\`read\` does only GET and HEAD, not ${method}`);
    const asked: TestRequest = { capability, way, method, url, headers: Object.fromEntries(headers.map((h) => [h.name, h.value])) };
    if (body !== null) asked.body = decode(body);
    this.requests.push(asked);
    if (this.#preview) return { tag: "recorded" as const };
    const { status = 200, headers: named = {}, body: given = "", json } = this.#http[capability]!(asked);
    const text = json === undefined ? given : JSON.stringify(json);
    const val = {
      status,
      headers: Object.entries(named).map(([name, value]) => ({ name: name.toLowerCase(), value })),
      body: typeof text === "string" ? encode(text) : text,
    };
    return { tag: "response" as const, val };
  }
}

/** Folders with the rules that the host has for names. */
class MemoryFiles implements FilesImport {
  #folders: Rows = new Map();

  snapshot(): Rows {
    return new Map([...this.#folders].map(([name, files]) => [name, new Map(files)]));
  }

  restore(folders: Rows): void {
    this.#folders = folders;
  }

  read(capability: string, name: string): Uint8Array | null {
    return this.#open(capability, name).get(name)?.slice() ?? null;
  }

  listFiles(capability: string, prefix: string, cursor: string | null, limit: number) {
    const names = [...this.#open(capability, "-").entries()]
      .filter(([name]) => name.startsWith(prefix) && (cursor === null || name > cursor))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const entries = names.slice(0, limit).map(([name, data]) => ({ name, size: data.length }));
    return { entries, next: names.length > entries.length ? entries[entries.length - 1]!.name : null };
  }

  write(capability: string, name: string, data: Uint8Array): void {
    this.#open(capability, name).set(name, data.slice());
  }

  remove(capability: string, name: string): boolean {
    return this.#open(capability, name).delete(name);
  }

  #open(capability: string, name: string): Map<string, Uint8Array> {
    if (name.length > 128 || !/^[A-Za-z0-9_-]$|^[A-Za-z0-9_-][A-Za-z0-9._ -]*[A-Za-z0-9._-]$/.test(name)) {
      refuse("bad-name", "a name has 1 to 128 letters, digits, `.`, `_`, `-` and spaces inside, and does not begin with a dot");
    }
    let files = this.#folders.get(capability);
    if (files === undefined) this.#folders.set(capability, (files = new Map()));
    return files;
  }
}

type Rows = Map<string, Map<string, Uint8Array>>;

class MemoryKv implements KvImport {
  #rows: Rows = new Map();

  snapshot(): Rows {
    return new Map([...this.#rows].map(([name, rows]) => [name, new Map(rows)]));
  }

  restore(rows: Rows): void {
    this.#rows = rows;
  }

  get(capability: string, key: string): Uint8Array | null {
    return this.#open(capability, key).get(key)?.slice() ?? null;
  }

  listKeys(capability: string, prefix: string, cursor: string | null, limit: number) {
    const left = [...this.#open(capability, "-").keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => compare(encode(a), encode(b)))
      .filter((key) => cursor === null || compare(encode(key), encode(cursor)) > 0);
    const keys = left.slice(0, limit);
    return { keys, next: left.length > keys.length ? keys[keys.length - 1]! : null };
  }

  set(capability: string, key: string, value: Uint8Array): void {
    this.#open(capability, key).set(key, value.slice());
  }

  /** Nothing expires here: no test lasts for so long. */
  setExpiring(capability: string, key: string, value: Uint8Array, _seconds: number): void {
    this.set(capability, key, value);
  }

  delete(capability: string, key: string): boolean {
    return this.#open(capability, key).delete(key);
  }

  compareAndSet(capability: string, key: string, expected: Uint8Array | null, value: Uint8Array | null): boolean {
    const rows = this.#open(capability, key);
    const now = rows.get(key);
    if (expected === null ? now !== undefined : now === undefined || compare(now, expected) !== 0) return false;
    if (value === null) rows.delete(key);
    else rows.set(key, value.slice());
    return true;
  }

  #open(capability: string, key: string): Map<string, Uint8Array> {
    const size = encode(key).length;
    if (size === 0 || size > 512 || /\p{Cc}/u.test(key)) {
      refuse("bad-key", `a key has 1 to 512 bytes and no control characters; this one has ${size} bytes`);
    }
    let rows = this.#rows.get(capability);
    if (rows === undefined) this.#rows.set(capability, (rows = new Map()));
    return rows;
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
