// Runs a built component in Node's own WebAssembly engine: a fresh instance for each call, as the host does it.

import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { WASIShim } from "@bytecodealliance/preview2-shim/instantiation";

// QuickJS is linked as a dynamic library, which adds in constant expressions. V8 has that behind a flag in Node 20.
if (Number(process.versions.node.split(".")[0]) < 22) setFlagsFromString("--experimental-wasm-extended-const");

// Node's types leave WebAssembly to those of browsers.
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> };

/** Calls a tool in a fresh instance; gives the outcome of the contract. */
export type Call = (tool: string, args?: object) => Promise<any>;

/** The exports of a component, each call in a fresh instance. */
export interface Loaded {
  call: Call;
  /** Any export: `on("resources", "read", ...)`. */
  on(name: string, method: string, ...args: unknown[]): Promise<any>;
}

/** Makes the component in `file` callable. `host` has the interfaces of the contract by name. */
export async function load(file: string, host: Record<string, object>): Promise<Loaded> {
  const bytes = new Uint8Array(readFileSync(file));
  const made = await transpileBytes(bytes, { name: "guest", instantiation: "async", base64Cutoff: 0 });
  const files = new Map(Object.entries(made.files as unknown as Record<string, Uint8Array>));
  const modules = new Map<string, object>();
  for (const [name, content] of files) {
    if (name.endsWith(".wasm")) modules.set(name, await WebAssembly.compile(content));
  }
  const source = Buffer.from(files.get("guest.js")!).toString("base64");
  const { instantiate } = await import(`data:text/javascript;base64,${source}`);
  const wasi = new WASIShim().getImportObject();
  const imports = Object.fromEntries(
    Object.entries({ types: {}, ...host }).map(([name, functions]) => [`portcullis:plugin/${name}`, functions]),
  );
  const on: Loaded["on"] = async (name, method, ...args) => {
    const instance = await instantiate((name: string) => modules.get(name), { ...wasi, ...imports });
    return instance[name][method](...args);
  };
  return { on, call: (tool, args = {}) => on("tools", "call", tool, JSON.stringify(args)) };
}
