// A kv capability, typed.

import type { KvImport } from "./contract.ts";
import { attempt as attemptAs, KvError, SandboxError, type KvErrorCode } from "./errors.ts";
import { decode, encode } from "./utf8.ts";

/** How values become bytes and come back. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** Values as JSON. The default. */
export function json<T>(): Codec<T> {
  return {
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) {
        throw new SandboxError(`A value of type ${typeof value} has no JSON and cannot be kept. To remove a key, use \`delete\`.`);
      }
      return encode(text);
    },
    decode: (bytes) => JSON.parse(decode(bytes, true)) as T,
  };
}

/** Values as UTF-8 text. */
export const text: Codec<string> = { encode, decode: (bytes) => decode(bytes, true) };

/** Values as they are. */
export const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };

/** Some keys, and where to go on. */
export interface Page {
  keys: string[];
  /** Give this as `cursor` to go on. Absent: there is no more. */
  next?: string;
}

/** Which keys to list. */
export interface ListOptions {
  prefix?: string;
  cursor?: string;
  /** 1 to 1000; 100 when left out. */
  limit?: number;
}

/**
 * Small values under string keys, kept by the host. What a call writes is visible to that call at once, and to nobody
 * else until the call has succeeded: then all of it is committed together, or none. Every method throws
 * {@link KvError}; when a handler lets it through, the model reads its message.
 */
export class Kv<T> {
  readonly #host: KvImport;
  readonly #capability: string;
  readonly #codec: Codec<T>;

  constructor(host: KvImport, capability: string, codec: Codec<T>) {
    this.#host = host;
    this.#capability = capability;
    this.#codec = codec;
  }

  /** The value under `key`; undefined when there is none. Needs `uses = ["NAME:read"]`. */
  get(key: string): T | undefined {
    const value = attempt(() => this.#host.get(this.#capability, key));
    return value === null || value === undefined ? undefined : this.#codec.decode(value);
  }

  /** Puts `value` under `key`, whatever was there. Needs `uses = ["NAME:write"]`. */
  set(key: string, value: T): void {
    const encoded = this.#codec.encode(value);
    attempt(() => this.#host.set(this.#capability, key, encoded));
  }

  /**
   * As `set`, for `seconds` from the call's commit: after that the key is as if it had been removed. At most ten years.
   * Needs `uses = ["NAME:write"]`.
   */
  setExpiring(key: string, value: T, seconds: number): void {
    const encoded = this.#codec.encode(value);
    attempt(() => this.#host.setExpiring(this.#capability, key, encoded, seconds));
  }

  /** Removes `key`; gives whether it was there. Needs `uses = ["NAME:write"]`. */
  delete(key: string): boolean {
    return attempt(() => this.#host.delete(this.#capability, key));
  }

  /** Keys in byte order. Needs `uses = ["NAME:read"]`. */
  list({ prefix = "", cursor, limit = 100 }: ListOptions = {}): Page {
    const page = attempt(() => this.#host.listKeys(this.#capability, prefix, cursor ?? null, limit));
    return page.next === null || page.next === undefined ? { keys: page.keys } : { keys: page.keys, next: page.next };
  }

  /** Every key that starts with `prefix`, page by page as they are needed. Needs `uses = ["NAME:read"]`. */
  *keys(prefix = ""): Generator<string, void, undefined> {
    let cursor: string | undefined;
    do {
      const page: Page = this.list(cursor === undefined ? { prefix, limit: 1000 } : { prefix, cursor, limit: 1000 });
      yield* page.keys;
      cursor = page.next;
    } while (cursor !== undefined);
  }

  /**
   * Puts `value` (undefined: removes the key) only if the key now holds `expected` (undefined: holds nothing); gives
   * whether it did. Checked now and again at the commit, where a difference fails the whole call. Compares bytes: with
   * JSON, give back as `expected` the very object that `get` gave. Needs `uses = ["NAME:write"]`.
   */
  compareAndSet(key: string, expected: T | undefined, value: T | undefined): boolean {
    const was = expected === undefined ? null : this.#codec.encode(expected);
    const will = value === undefined ? null : this.#codec.encode(value);
    return attempt(() => this.#host.compareAndSet(this.#capability, key, was, will));
  }
}

function attempt<R>(call: () => R): R {
  return attemptAs(call, (code, message) => new KvError(code as KvErrorCode, message));
}
