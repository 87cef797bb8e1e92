// Files that are part of the release.

import type { AssetsImport } from "./contract.ts";
import { ToolError } from "./errors.ts";
import { decode } from "./utf8.ts";

/**
 * The files of this release: what `[assets]` of the manifest names was published and approved with the component and can't
 * change. Names are relative to that folder, with `/` between parts.
 */
export class Assets {
  readonly #host: AssetsImport;

  constructor(host: AssetsImport) {
    this.#host = host;
  }

  /** The whole file; undefined when there is none. */
  read(name: string): Uint8Array | undefined {
    return this.#host.read(name) ?? undefined;
  }

  /** At most `length` bytes from `offset`: less at the file's end. Undefined when there is no such file. */
  readPart(name: string, offset: number, length: number): Uint8Array | undefined {
    return this.#host.readPart(name, offset, length) ?? undefined;
  }

  /** The file as UTF-8. Throws a ToolError when there is none. */
  readText(name: string): string {
    const data = this.read(name);
    if (data === undefined) throw new ToolError(`The release has no asset \`${name}\`.`);
    return decode(data, true);
  }

  /** The file read as JSON. Throws a ToolError when there is none. */
  readJson<T = any>(name: string): T {
    return JSON.parse(this.readText(name)) as T;
  }

  /** The names that start with `prefix`, in byte order. */
  names(prefix = ""): readonly string[] {
    return this.#host.listNames(prefix);
  }
}
