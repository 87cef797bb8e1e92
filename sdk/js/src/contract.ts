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
  setExpiring(capability: string, key: string, value: Uint8Array, seconds: number): void;
  delete(capability: string, key: string): boolean;
  compareAndSet(capability: string, key: string, expected: Uint8Array | null, value: Uint8Array | null): boolean;
}

export interface WireHeader {
  name: string;
  value: string;
}

export interface WireRequest {
  method: string;
  url: string;
  headers: WireHeader[];
  body: Uint8Array | null;
}

export interface WireResponse {
  status: number;
  headers: WireHeader[];
  body: Uint8Array;
}

export type WireReply = { tag: "response"; val: WireResponse } | { tag: "recorded" };

export interface EgressImport {
  read(capability: string, request: WireRequest): WireReply;
  send(capability: string, request: WireRequest): WireReply;
}

export interface FilesImport {
  read(capability: string, name: string): Uint8Array | null;
  listFiles(
    capability: string,
    prefix: string,
    cursor: string | null,
    limit: number,
  ): { entries: { name: string; size: number }[]; next: string | null };
  write(capability: string, name: string, data: Uint8Array): void;
  remove(capability: string, name: string): boolean;
}

export interface SecretsImport {
  placeholder(capability: string): string;
}

export interface WireAnswer {
  key: string;
  reply: { tag: "accepted"; val: string } | { tag: "declined" } | { tag: "cancelled" };
}

export interface WireRound {
  state: Uint8Array;
  answers: WireAnswer[];
}

export interface QuestionsImport {
  answered(): WireRound | null;
}

export interface CallerImport {
  get(): {
    subject: string | null;
    scopes: readonly string[];
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
  egress?: EgressImport;
  files?: FilesImport;
  secrets?: SecretsImport;
  questions?: QuestionsImport;
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

export interface WireQuestion {
  key: string;
  message: string;
  /** JSON Schema. */
  schema: string;
}

export type Outcome =
  | { tag: "done"; val: { content: WireContent[]; structured: string | null; meta: string | null } }
  | { tag: "failed"; val: string }
  | { tag: "needs-input"; val: { questions: WireQuestion[]; state: Uint8Array } };
