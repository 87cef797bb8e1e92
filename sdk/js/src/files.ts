// A capability of kind `files`.

import type { FilesImport } from "./contract.ts";
import { attempt as attemptAs, FilesError, type FilesErrorCode } from "./errors.ts";
import type { ListOptions } from "./kv.ts";
import { decode, encode } from "./utf8.ts";

/** What a folder says of a file. */
export interface FileEntry {
  name: string;
  /** Bytes. */
  size: number;
}

/** Some files, and where to go on. */
export interface FilePage {
  entries: FileEntry[];
  /** Give this as `cursor` to go on. Absent: there is no more. */
  next?: string;
}

/**
 * Whole named files, kept by the host in a folder of the plugin's own. A name is flat: letters, digits, `.`, `_`, `-` and
 * spaces inside, at most 128 bytes, and it does not begin with a dot. What a call writes is visible to that call at once,
 * and to nobody else until the call has succeeded. Every method throws {@link FilesError}.
 */
export class Files {
  readonly #host: FilesImport;
  readonly #capability: string;

  constructor(host: FilesImport, capability: string) {
    this.#host = host;
    this.#capability = capability;
  }

  /** The whole file; undefined when there is none. Needs `uses = ["NAME:read"]`. */
  read(name: string): Uint8Array | undefined {
    return attempt(() => this.#host.read(this.#capability, name)) ?? undefined;
  }

  /** The file as UTF-8; undefined when there is none. Needs `uses = ["NAME:read"]`. */
  readText(name: string): string | undefined {
    const data = this.read(name);
    return data === undefined ? undefined : decode(data, true);
  }

  /** The file read as JSON; undefined when there is none. Needs `uses = ["NAME:read"]`. */
  readJson<T = any>(name: string): T | undefined {
    const text = this.readText(name);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  /** Puts a whole file, whatever was there. Text becomes UTF-8. Needs `uses = ["NAME:write"]`. */
  write(name: string, data: Uint8Array | string): void {
    const bytes = typeof data === "string" ? encode(data) : data;
    attempt(() => this.#host.write(this.#capability, name, bytes));
  }

  /** Puts a whole file as JSON. Needs `uses = ["NAME:write"]`. */
  writeJson(name: string, value: unknown): void {
    this.write(name, JSON.stringify(value));
  }

  /** Removes a file; gives whether it was there. Needs `uses = ["NAME:write"]`. */
  remove(name: string): boolean {
    return attempt(() => this.#host.remove(this.#capability, name));
  }

  /** Files in byte order of their names. Needs `uses = ["NAME:read"]`. */
  list({ prefix = "", cursor, limit = 100 }: ListOptions = {}): FilePage {
    const page = attempt(() => this.#host.listFiles(this.#capability, prefix, cursor ?? null, limit));
    const entries = page.entries.map(({ name, size }) => ({ name, size: Number(size) }));
    return page.next === null || page.next === undefined ? { entries } : { entries, next: page.next };
  }

  /** Every file whose name starts with `prefix`, page by page as they are needed. Needs `uses = ["NAME:read"]`. */
  *entries(prefix = ""): Generator<FileEntry, void, undefined> {
    let cursor: string | undefined;
    do {
      const page: FilePage = this.list(cursor === undefined ? { prefix, limit: 1000 } : { prefix, cursor, limit: 1000 });
      yield* page.entries;
      cursor = page.next;
    } while (cursor !== undefined);
  }
}

function attempt<R>(call: () => R): R {
  return attemptAs(call, (code, message) => new FilesError(code as FilesErrorCode, message));
}
