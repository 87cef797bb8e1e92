/**
 * For an author's own tests: runs a plugin's tools as the component would, in Node, with kv in memory. The word "in
 * memory" is meant: whether the real host grants what the tool does is decided by the host, so a plugin should also be
 * run there once.
 */

import type { Imports, KvImport, Level, ManifestFacts, WireContent } from "./contract.ts";
import { serve } from "./guest.ts";
import type { Caller, Plugin } from "./plugin.ts";
import { encode } from "./utf8.ts";

/** How the tools are run. */
export interface TestOptions {
  /** Names of the kv capabilities in the manifest. */
  kv?: string[];
  /** Facts about the caller; a signed-in person without a locale when left out. */
  caller?: Partial<Caller>;
}

/** What a call came to. */
export interface TestOutcome {
  /** The structured content. Absent: there is none, or the call failed. */
  structured?: any;
  /** All text of the content, joined by newlines. */
  text: string;
  content: WireContent[];
  /** What the tool failed with. Absent: it did not fail. */
  failed?: string;
}

/** A plugin under test. */
export interface TestPlugin {
  /** Calls a tool in the way of the host: arguments and result pass through JSON, writes are dropped when it fails. */
  call(tool: string, args?: object): TestOutcome;
  /** What was logged so far. */
  readonly logged: { level: Level; message: string }[];
}

/** Makes `plugin` callable. Its kv starts empty and lasts as long as the value that is given back. */
export function testPlugin(plugin: Plugin, { kv = [], caller = {} }: TestOptions = {}): TestPlugin {
  const logged: TestPlugin["logged"] = [];
  const store = new MemoryKv();
  const manifest: ManifestFacts = {
    file: "plugin.toml",
    tools: Object.keys(plugin.tools),
    capabilities: Object.fromEntries(kv.map((name) => [name, "kv"])),
  };
  const facts = { subject: "test-person", locale: null, correlationId: "test-call", timeLeftMs: 10_000, preview: false, ...caller };
  const imports: Imports = {
    log: { write: (level, message) => void logged.push({ level, message }) },
    kv: store,
    caller: { get: () => facts },
    random: { getRandomBytes: (length) => (globalThis as any).crypto.getRandomValues(new Uint8Array(length)) },
    clock: true,
  };
  const tools = serve(plugin, manifest, imports);
  return {
    logged,
    call(tool, args = {}) {
      const before = store.snapshot();
      const outcome = tools.call(tool, JSON.stringify(args));
      if (outcome.tag === "failed") {
        store.restore(before);
        return { text: "", content: [], failed: outcome.val };
      }
      const { content, structured } = outcome.val;
      const text = content.flatMap((part) => (part.tag === "text" ? [part.val] : [])).join("\n");
      return structured === null ? { text, content } : { text, content, structured: JSON.parse(structured) };
    },
  };
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
      const val = `a key has 1 to 512 bytes and no control characters; this one has ${size} bytes`;
      throw Object.assign(new Error(val), { payload: { tag: "bad-key", val } });
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
