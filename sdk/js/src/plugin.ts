// What an author writes: tools, and what each of them is given.

import type { Result } from "./answer.ts";
import type { Assets } from "./assets.ts";
import type { NoticeLevel } from "./contract.ts";
import type { Files } from "./files.ts";
import type { Http } from "./http.ts";
import type { Codec, Kv } from "./kv.ts";
import type { Found, PromptResult, Read, Suggestions, Written } from "./more.ts";
import type { Fields, Filled, Reply, Root, Sampled, Sampling } from "./questions.ts";

/** Notes to the people who run the host. Bounded by `limits.log`; never shown to a client. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Who calls and under which conditions. */
export interface Caller {
  /** A pseudonym: stable for this plugin and person, different for every other plugin. Absent: not signed in. */
  subject?: string;
  /**
   * Of the scopes that tools of this plugin list in the manifest, those that the caller holds, sorted. The called tool's own are
   * always among them.
   */
  scopes: readonly string[];
  /** BCP 47, as the client gave it, for a plugin whose manifest asks for it: see {@link Hints}. */
  locale?: string;
  /** Names this call in the audit and in errors. */
  correlationId: string;
  /** Milliseconds of wall time that were left when this was asked. */
  timeLeftMs: number;
  /** This call is a preview: writes are recorded and not done, and no request leaves the host. */
  preview: boolean;
}

/**
 * What this client says of the person or their device, of what `hints` of the manifest asks for. Any of it may be missing, and any
 * of it may be wrong: nothing may be allowed because of it.
 */
export interface Hints {
  locale?: string;
  "user-agent"?: string;
  location?: { city?: string; region?: string; country?: string; timezone?: string; longitude?: unknown; latitude?: unknown };
  /** A name that the client has for the person. Who calls is `caller.subject`. */
  subject?: string;
  /** A name that the client has for the conversation. */
  session?: string;
  organization?: string;
}

/** How far a call has come. */
export interface Progress {
  /** The end of the scale. */
  total?: number;
  /** One line for the person. */
  message?: string;
}

/** What the host gives to one call. */
export interface Context {
  /** The name of the called tool, resource or prompt, as in the manifest. */
  readonly tool: string;
  /** Lines for the operator. `console` writes there too. */
  readonly log: Log;
  /** Facts about this call, asked of the host each time. Imported only when the code says `caller` somewhere. */
  readonly caller: Caller;
  /**
   * The `[capability.NAME]` of kind `kv` in the manifest. Values are JSON unless a codec (`text`, `bytes`) is given.
   * Imported only when the manifest has such a capability and the code says `kv` somewhere.
   */
  kv<T = unknown>(capability: string, codec?: Codec<T>): Kv<T>;
  /**
   * Requests with the `[capability.NAME]` of kind `http`. Imported only when the manifest has such a capability and the code
   * says `http` somewhere.
   */
  http(capability: string): Http;
  /**
   * The folder of the `[capability.NAME]` of kind `files`. Imported only when the manifest has such a capability and the code
   * says `files` somewhere.
   */
  files(capability: string): Files;
  /**
   * The person's answer to a form. As long as there is none this ends the tool with the question, by throwing what must
   * not be caught; then the tool is called again from its start, and this gives the answer. Ask before anything is sent.
   * Several after each other are several rounds, each under a key of its own. The manifest has to say `ask = ["form"]`. If
   * the person does not want to answer, the tool ends with that. Imported only when the code says `ask` somewhere.
   */
  ask<const F extends Fields>(key: string, message: string, fields: F): Filled<F>;
  /** As {@link ask}, for a tool that can go on without an answer. Imported only when the code says so. */
  askForReply<const F extends Fields>(key: string, message: string, fields: F): Reply<Filled<F>>;
  /**
   * What the client's own model says. Ends the tool and gives the answer in the next round, as {@link ask} does. The manifest
   * has to say `ask = ["sampling"]`. Imported only when the code says `sample` somewhere.
   */
  sample(key: string, sampling: Sampling): Sampled;
  /** The folders and files that the client works on, in the same way: `ask = ["roots"]`, and the word `roots`. */
  roots(key: string): Root[];
  /**
   * Tells the client how far the call has come, on a scale of the tool's own. A number that is not above the one before is passed
   * over. Imported only when the code says `report` or `notice` somewhere.
   */
  report(done: number, progress?: Progress): void;
  /** A line for the client's log, which the person may read. */
  notice(level: NoticeLevel, message: string): void;
  /** The files of this release. Imported only when the code says `assets` somewhere. */
  readonly assets: Assets;
  /** What the client says of the person, where the manifest asks for it. Imported only when the code says `hints` somewhere. */
  readonly hints: Hints;
  /**
   * A stand-in for the secret of a capability of kind `http`, for libraries that insist on a key. The host puts the secret in
   * without this too, and refuses to send this anywhere but in the secret's header.
   */
  placeholder(capability: string): string;
  /** Whether this call is a preview: writes are recorded and not done, and no request leaves the host. */
  readonly preview: boolean;
}

/**
 * Does what a tool is for. `args` has been checked against the tool's input schema: annotate it with the matching type.
 * A fresh instance runs each call, so no variable outlives it; what has to stay goes to kv.
 */
// `any`: each handler annotates its own arguments, which `unknown` would refuse.
export type Handler = (args: any, ctx: Context) => Result;

/** Gives what is under a URI that fits the `uri` of a `[[resource]]`. */
export type ResourceHandler = (read: Read<any>, ctx: Context) => Found;

/** Makes the messages of a `[[prompt]]`. Every argument is a string; those that are not required may be missing. */
export type PromptHandler = (args: any, ctx: Context) => PromptResult;

/** Says what an argument could be that begins with what is written. */
export type Completer = (written: Written, ctx: Context) => Suggestions;

/** A plugin's code. Its names, schemas, labels and grants are in its manifest. */
export interface Plugin {
  /** By the tool's name in the manifest, without the prefix that it has on the wire. */
  tools: Record<string, Handler>;
  /** By the name of the `[[resource]]`. Those with `asset` are answered by the host and have no handler. */
  resources?: Record<string, ResourceHandler>;
  /** By the name of the `[[prompt]]`. */
  prompts?: Record<string, PromptHandler>;
  /** By the name of the prompt or resource, and then of the argument or variable, that the manifest says is completed. */
  completions?: {
    prompts?: Record<string, Record<string, Completer>>;
    resources?: Record<string, Record<string, Completer>>;
  };
}

/** Gives back the plugin, checked by the compiler. Export it as the default of the entry module. */
export function definePlugin<P extends Plugin>(plugin: P): P {
  return plugin;
}
