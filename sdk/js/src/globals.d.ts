// What the guest has besides ECMAScript. Add `/// <reference types="@portcullis/plugin/globals" />` to use them.

declare const console: Record<"debug" | "trace" | "log" | "info" | "warn" | "error", (...parts: unknown[]) => void>;

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
}

declare class TextDecoder {
  readonly encoding: string;
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes?: ArrayBuffer | ArrayBufferView): string;
}

/** Only in a component built with `--with random`. */
declare const crypto: {
  getRandomValues<A extends ArrayBufferView>(array: A): A;
  randomUUID(): string;
};
