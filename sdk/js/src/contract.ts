// The contract of `wit/`, as QuickJS hands it to a component: an absent option is `null`, a result that failed is thrown
// as an Error whose `payload` is the WIT error, a u64 is a number. Only `guest.ts` and `testing.ts` speak it.

export type Level = "debug" | "info" | "warn" | "error";

export interface LogImport {
  write(level: Level, message: string): void;
}

export interface KvImport {
  get(capability: string, key: string): Uint8Array | null;
  listKeys(capability: string, prefix: string, cursor: string | null, limit: number): { keys: string[]; next: string | null };
  set(capability: string, key: string, value: Uint8Array): void;
  delete(capability: string, key: string): boolean;
  compareAndSet(capability: string, key: string, expected: Uint8Array | null, value: Uint8Array | null): boolean;
}

export interface CallerImport {
  get(): {
    subject: string | null;
    locale: string | null;
    correlationId: string;
    timeLeftMs: number;
    preview: boolean;
  };
}

export interface RandomImport {
  getRandomBytes(length: number): Uint8Array;
}

/** Everything a component may import. What was not imported is absent, and using it is refused with the reason. */
export interface Imports {
  log: LogImport;
  kv?: KvImport;
  caller?: CallerImport;
  random?: RandomImport;
  /** Whether the component has a wall clock. QuickJS reads it by itself, so there is nothing to hold. */
  clock?: boolean;
}

/** What `portcullis-js build` copies from the manifest into the component. */
export interface ManifestFacts {
  /** File name, for messages. */
  file: string;
  tools: string[];
  capabilities: Record<string, string>;
}

export type WireContent =
  | { tag: "text"; val: string }
  | { tag: "image"; val: { data: Uint8Array; mimeType: string } }
  | { tag: "audio"; val: { data: Uint8Array; mimeType: string } }
  | { tag: "link"; val: { uri: string; name: string; mimeType: string | null } };

export type Outcome =
  | { tag: "done"; val: { content: WireContent[]; structured: string | null; meta: string | null } }
  | { tag: "failed"; val: string };
