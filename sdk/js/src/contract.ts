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

export interface CallerHints {
  hints(): { name: string; value: string }[];
}

export type NoticeLevel = "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";

export interface ProgressImport {
  report(done: number, total: number | null, message: string | null): void;
  notice(level: NoticeLevel, message: string): void;
}

export interface AssetsImport {
  read(name: string): Uint8Array | null;
  readPart(name: string, offset: number, length: number): Uint8Array | null;
  listNames(prefix: string): string[];
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
  caller?: CallerImport & CallerHints;
  progress?: ProgressImport;
  assets?: AssetsImport;
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
  /** Resources that the plugin answers, and their types. Those with `asset` are the host's. */
  resources: Record<string, string>;
  prompts: string[];
  /** What `complete` names, as `prompt/NAME/ARGUMENT` and `resource/NAME/VARIABLE`. */
  completions: string[];
}

export type WireContent =
  | { tag: "text"; val: string }
  | { tag: "image"; val: { data: Uint8Array; mimeType: string } }
  | { tag: "audio"; val: { data: Uint8Array; mimeType: string } }
  | { tag: "link"; val: { uri: string; name: string; mimeType: string | null } }
  | { tag: "embedded"; val: WireContents };

export interface WireContents {
  uri: string;
  mimeType: string;
  body: { tag: "text"; val: string } | { tag: "blob"; val: Uint8Array };
}

export interface WireMessage {
  role: "user" | "assistant";
  content: WireContent;
}

export interface WireArgument {
  name: string;
  value: string;
}

export interface WireSampling {
  key: string;
  messages: WireMessage[];
  systemPrompt: string | null;
  maxTokens: number;
  temperature: number | null;
  stopSequences: string[];
}

export interface NeedsInput {
  questions: WireQuestion[];
  state: Uint8Array;
  samplings: WireSampling[];
  roots: string[];
}

export type WireReading =
  | { tag: "done"; val: WireContents[] }
  | { tag: "not-found" }
  | { tag: "failed"; val: string }
  | { tag: "needs-input"; val: NeedsInput };

export type WirePrompting =
  | { tag: "done"; val: { description: string | null; messages: WireMessage[] } }
  | { tag: "failed"; val: string }
  | { tag: "needs-input"; val: NeedsInput };

export type WireTarget = { tag: "prompt"; val: string } | { tag: "resource"; val: string };

export interface WireCompletion {
  values: string[];
  total: number | null;
  hasMore: boolean;
}

export interface WireQuestion {
  key: string;
  message: string;
  /** JSON Schema. */
  schema: string;
}

export type Outcome =
  | { tag: "done"; val: { content: WireContent[]; structured: string | null; meta: string | null } }
  | { tag: "failed"; val: string }
  | { tag: "needs-input"; val: NeedsInput };
