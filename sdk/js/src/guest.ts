// Makes a plugin into the exports of the contract. The build's entry calls it; an author never does.

import { outcomeOf } from "./answer.ts";
import { Assets } from "./assets.ts";
import type {
  CallerImport,
  Imports,
  Level,
  LogImport,
  ManifestFacts,
  NeedsInput,
  NoticeLevel,
  Outcome,
  WireArgument,
  WireCompletion,
  WirePrompting,
  WireReading,
  WireTarget,
} from "./contract.ts";
import { SandboxError, ToolError } from "./errors.ts";
import { Files } from "./files.ts";
import { open } from "./guard.ts";
import { Http } from "./http.ts";
import { json, Kv, type Codec } from "./kv.ts";
import { completionOf, promptingOf, readingOf, record } from "./more.ts";
import type { Caller, Context, Hints, Log, Plugin, Progress } from "./plugin.ts";
import {
  answerTo,
  Asked,
  replyTo,
  rootsOf,
  sampled,
  type Fields,
  type Filled,
  type Reply,
  type Root,
  type Sampled,
  type Sampling,
} from "./questions.ts";

/** What a component exports: `tools` always, the others when the manifest lists something for them. */
export interface Exports {
  tools: { call(tool: string, args: string): Outcome };
  resources: { read(name: string, uri: string, variables: WireArgument[]): WireReading };
  prompts: { get(name: string, args: WireArgument[]): WirePrompting };
  completions: { complete(target: WireTarget, argument: string, value: string, context: WireArgument[]): WireCompletion };
}

/** How a call ends that gives no answer. */
type Ending = { tag: "failed"; val: string } | { tag: "needs-input"; val: NeedsInput };

/** The plugin as the host calls it. Throws, and so fails the build, when plugin and manifest list different things. */
export function serve(plugin: Plugin, manifest: ManifestFacts, imports: Imports): Exports {
  const { tools, resources, prompts, completers } = checked(plugin, manifest);
  const log = logger(imports.log);

  /** One call, whatever it is of: what is thrown becomes an ending. */
  function run<T>(kind: string, name: string, body: (ctx: Context) => T): T | Ending {
    const close = open(imports);
    try {
      return body(new CallContext(name, log, manifest, imports));
    } catch (thrown) {
      if (thrown instanceof Asked) return { tag: "needs-input", val: thrown.needs };
      if (thrown instanceof ToolError) return failed(thrown.message);
      if (isOutOfMemory(thrown)) return failed(`\`${name}\` ran out of memory. Give it less at once; the manifest sets \`limits.memory\`.`);
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      log.error(`${name}: ${error.name}: ${error.message}\n${error.stack ?? ""}`);
      // A SandboxError teaches the author. Of any other the model needs no more than whose fault it was.
      if (error instanceof SandboxError) return failed(error.message);
      const fault = kind === "tool" ? "which is a fault of the plugin and not of the arguments" : "which is a fault of the plugin";
      return failed(`\`${name}\` failed inside its plugin, ${fault}.`);
    } finally {
      close();
    }
  }
  /** The host calls only what the manifest lists, and the build has checked that list. */
  function found<H>(handlers: Map<string, H>, kind: string, name: string): H {
    const handler = handlers.get(name);
    if (handler === undefined) throw new ToolError(`This plugin has no ${kind} \`${name}\`.`);
    return handler;
  }
  return {
    tools: {
      call: (tool, args) => run("tool", tool, (ctx) => outcomeOf(tool, found(tools, "tool", tool)(JSON.parse(args), ctx))),
    },
    resources: {
      read: (name, uri, variables) =>
        run("resource", name, (ctx) => {
          const handler = found(resources, "resource", name);
          return readingOf(name, uri, manifest.resources[name]!, handler({ uri, variables: record(variables) }, ctx));
        }),
    },
    prompts: {
      get: (name, args) => run("prompt", name, (ctx) => promptingOf(name, found(prompts, "prompt", name)(record(args), ctx))),
    },
    completions: {
      complete({ tag, val: name }, argument, value, context) {
        const completer = completers.get(`${tag}/${name}/${argument}`);
        const none: WireCompletion = { values: [], total: null, hasMore: false };
        if (completer === undefined) return none;
        const given = run("completion", name, (ctx) => ({ given: completionOf(completer({ value, context: record(context) }, ctx)) }));
        // A completion has no way to fail: a person who writes is offered nothing.
        return "given" in given ? given.given : none;
      },
    },
  };
}

class CallContext implements Context {
  readonly tool: string;
  readonly log: Log;
  readonly #manifest: ManifestFacts;
  readonly #imports: Imports;

  constructor(tool: string, log: Log, manifest: ManifestFacts, imports: Imports) {
    this.tool = tool;
    this.log = log;
    this.#manifest = manifest;
    this.#imports = imports;
  }

  get caller(): Caller {
    return factsOf(this.#imported("caller", "ctx.caller"));
  }

  get preview(): boolean {
    return this.#imported("caller", "ctx.preview").get().preview;
  }

  kv<T>(capability: string, codec: Codec<T> = json<T>()): Kv<T> {
    this.#declared("kv", capability);
    return new Kv<T>(this.#imported("kv", "ctx.kv(...)"), capability, codec);
  }

  http(capability: string): Http {
    this.#declared("http", capability);
    return new Http(this.#imported("egress", "ctx.http(...)"), capability);
  }

  files(capability: string): Files {
    this.#declared("files", capability);
    return new Files(this.#imported("files", "ctx.files(...)"), capability);
  }

  ask<const F extends Fields>(key: string, message: string, fields: F): Filled<F> {
    return answerTo(this.#imported("questions", "ctx.ask(...)"), key, message, fields);
  }

  askForReply<const F extends Fields>(key: string, message: string, fields: F): Reply<Filled<F>> {
    return replyTo(this.#imported("questions", "ctx.askForReply(...)"), key, message, fields);
  }

  sample(key: string, sampling: Sampling): Sampled {
    return sampled(this.#imported("questions", "ctx.sample(...)"), key, sampling);
  }

  roots(key: string): Root[] {
    return rootsOf(this.#imported("questions", "ctx.roots(...)"), key);
  }

  report(done: number, { total, message }: Progress = {}): void {
    this.#imported("progress", "ctx.report(...)").report(done, total ?? null, message ?? null);
  }

  notice(level: NoticeLevel, message: string): void {
    this.#imported("progress", "ctx.notice(...)").notice(level, message);
  }

  get assets(): Assets {
    return new Assets(this.#imported("assets", "ctx.assets"));
  }

  get hints(): Hints {
    const given = this.#imported("caller", "ctx.hints").hints();
    return Object.fromEntries(given.map(({ name, value }) => [name, JSON.parse(value)])) as Hints;
  }

  placeholder(capability: string): string {
    this.#declared("http", capability);
    const secrets = this.#imported("secrets", "ctx.placeholder(...)");
    try {
      return secrets.placeholder(capability);
    } catch (thrown) {
      const payload = (thrown as { payload?: unknown } | null)?.payload;
      throw typeof payload === "string" ? new SandboxError(payload) : thrown;
    }
  }

  /** The interface, if the build has put it in: it looks for the word that stands in `usage`. */
  #imported<Name extends keyof Imports>(name: Name, usage: string): NonNullable<Imports[Name]> {
    const found = this.#imports[name];
    if (found === undefined) {
      const word = usage.match(/[a-z]+/gi)![1];
      throw new SandboxError(
        `This component does not import \`${name}\`: the build found the word \`${word}\` nowhere in the plugin's code. ` +
          `Write \`${usage}\` plainly and build again.`,
      );
    }
    return found as NonNullable<Imports[Name]>;
  }

  #declared(kind: string, capability: string): void {
    const { file, capabilities } = this.#manifest;
    if (capabilities[capability] === kind) return;
    const others = Object.keys(capabilities).filter((name) => capabilities[name] === kind);
    throw new SandboxError(
      `${file} declares no ${kind} capability \`${capability}\`` +
        (others.length === 0 ? ". " : `; it declares ${others.map((name) => `\`${name}\``).join(", ")}. `) +
        `Add [capability.${capability}] with kind = "${kind}", and "${capability}:read" or "${capability}:write" to \`uses\` ` +
        `of \`${this.tool}\`.`,
    );
  }
}

/** QuickJS throws null when there is not even room left for an Error. */
function isOutOfMemory(thrown: unknown): boolean {
  return thrown === null || (thrown instanceof Error && thrown.name === "InternalError" && thrown.message === "out of memory");
}

function checked(plugin: Plugin, manifest: ManifestFacts) {
  const { file } = manifest;
  if (typeof plugin?.tools !== "object" || plugin.tools === null) {
    throw new SandboxError("The entry module has to `export default definePlugin({ tools: { ... } })`.");
  }
  const handlers = <H>(given: Record<string, H> | undefined) => new Map(Object.entries(given ?? {}));
  const tools = handlers(plugin.tools);
  const resources = handlers(plugin.resources);
  const prompts = handlers(plugin.prompts);
  const completers = new Map(
    (["prompt", "resource"] as const).flatMap((kind) =>
      Object.entries(plugin.completions?.[`${kind}s`] ?? {}).flatMap(([name, of]) =>
        Object.entries(of).map(([argument, completer]) => [`${kind}/${name}/${argument}`, completer] as const),
      ),
    ),
  );
  const wrong = [
    ...differences(file, manifest.tools, tools, "handler", "a [[tool]]"),
    ...differences(file, Object.keys(manifest.resources), resources, "handler to `resources`", "a [[resource]] without `asset`"),
    ...differences(file, manifest.prompts, prompts, "handler to `prompts`", "a [[prompt]]"),
    ...differences(file, manifest.completions, completers, "handler to `completions`", "`complete`"),
  ];
  if (wrong.length > 0) throw new SandboxError(wrong.join(" "));
  return { tools, resources, prompts, completers };
}

function differences(file: string, listed: string[], there: Map<string, unknown>, handler: string, entry: string): string[] {
  const names = (list: string[]) => list.map((name) => `\`${name}\``).join(", ");
  const missing = listed.filter((name) => !there.has(name));
  const extra = [...there.keys()].filter((name) => !listed.includes(name));
  return [
    missing.length > 0 ? `${file} lists ${names(missing)}, which definePlugin lacks: add the ${handler}.` : "",
    extra.length > 0 ? `definePlugin has ${names(extra)}, which ${file} lacks: add ${entry}.` : "",
  ].filter(Boolean);
}

function factsOf(host: CallerImport): Caller {
  const { subject, scopes, locale, correlationId, timeLeftMs, preview } = host.get();
  const facts: Caller = { scopes, correlationId, timeLeftMs: Number(timeLeftMs), preview };
  if (typeof subject === "string") facts.subject = subject;
  if (typeof locale === "string") facts.locale = locale;
  return facts;
}

function logger(host: LogImport): Log {
  const at = (level: Level) => (message: string) => host.write(level, String(message));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function failed(message: string): { tag: "failed"; val: string } {
  return { tag: "failed", val: message };
}
