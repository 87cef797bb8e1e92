// What differs between QuickJS in a component and the JavaScript that authors know. Runs before any code of the plugin.
//
// A component is a snapshot of the engine, taken after the top level of its modules has run. So `Math.random()` would
// give the same numbers in every call, because its seed is in the snapshot, and `Date.now()` would trap. Both are
// silent or obscure; here they either go to the host or say what to do.

import type { Imports, Level } from "./contract.ts";
import { SandboxError } from "./errors.ts";
import { decode, encode } from "./utf8.ts";

const NativeDate = Date;
const nativeNow = Date.now;
/** The imports of the call that runs now; undefined while the component is built. */
let current: Imports | undefined;

/** A call begins: routes time, randomness and `console` to its imports. Gives the function that ends it. */
export function open(imports: Imports): () => void {
  current = imports;
  return () => {
    current = undefined;
  };
}

/** Replaces the globals. The build's entry calls it before the plugin's modules are evaluated. */
export function arm(): void {
  Math.random = () => {
    const [high, low] = new Uint32Array(randomBytes("Math.random()", 8).slice().buffer) as unknown as [number, number];
    return ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992;
  };
  const guardedDate: DateConstructor = new Proxy(NativeDate, {
    construct(target, args, newTarget): object {
      if (args.length === 0) needClock("new Date()");
      return Reflect.construct(target, args, newTarget === guardedDate ? target : newTarget) as object;
    },
    apply(target) {
      needClock("Date()");
      return new target().toString();
    },
  });
  NativeDate.now = () => {
    needClock("Date.now()");
    return nativeNow.call(NativeDate);
  };
  NativeDate.prototype.constructor = guardedDate;
  define("Date", guardedDate);
  define("performance", {
    now() {
      needClock("performance.now()");
      return nativeNow.call(NativeDate);
    },
  });
  define("crypto", {
    getRandomValues<A extends ArrayBufferView>(array: A): A {
      const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      view.set(randomBytes("crypto.getRandomValues()", view.length));
      return array;
    },
    randomUUID() {
      const id = randomBytes("crypto.randomUUID()", 16).slice();
      id[6] = (id[6]! & 0x0f) | 0x40;
      id[8] = (id[8]! & 0x3f) | 0x80;
      const hex = [...id].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    },
  });
  define("console", {
    debug: toLog("debug"),
    trace: toLog("debug"),
    log: toLog("info"),
    info: toLog("info"),
    warn: toLog("warn"),
    error: toLog("error"),
  });
  define("TextEncoder", class TextEncoder {
    readonly encoding = "utf-8";
    encode(text = "") {
      return encode(text);
    }
  });
  define("TextDecoder", class TextDecoder {
    readonly encoding = "utf-8";
    readonly #fatal: boolean;
    constructor(label = "utf-8", { fatal = false }: { fatal?: boolean } = {}) {
      if (!/^utf-?8$/i.test(label)) throw new RangeError(`only utf-8 is here, not ${label}`);
      this.#fatal = fatal;
    }
    decode(bytes?: ArrayBuffer | ArrayBufferView) {
      if (bytes === undefined) return "";
      const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
      return decode(view, this.#fatal);
    }
  });
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

function needClock(what: string): void {
  const imports = inCall(what);
  if (imports.clock !== true) {
    throw new SandboxError(
      `${what} is not here: this component was built without a clock. Build with \`--with clock\` to import the host's ` +
        "(wasi:clocks, on the base list that needs no grant), or take the time as an argument.",
    );
  }
}

function randomBytes(what: string, length: number): Uint8Array {
  const imports = inCall(what);
  if (imports.random === undefined) {
    throw new SandboxError(
      `${what} is not here: this component was built without randomness, and QuickJS would give the same numbers in ` +
        "every call. Build with `--with random` to import the host's (wasi:random, on the base list that needs no grant).",
    );
  }
  return imports.random.getRandomBytes(length);
}

function inCall(what: string): Imports {
  if (current === undefined) {
    throw new SandboxError(
      `${what} was called at the top level of a module. That code runs once, when the component is built, so its result ` +
        "would be the same in every call for ever. Call it inside a tool.",
    );
  }
  return current;
}

function toLog(level: Level): (...parts: unknown[]) => void {
  return (...parts) => {
    const line = parts.map((part) => (typeof part === "string" ? part : printed(part))).join(" ");
    // At the top level there is no host to tell; a library's greeting is no reason to fail the build.
    current?.log.write(level, line);
  };
}

function printed(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
