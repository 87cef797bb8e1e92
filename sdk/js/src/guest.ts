// Makes a plugin into the export `tools` of the contract. The build's entry calls it; an author never does.

import { outcomeOf } from "./answer.ts";
import type { CallerImport, Imports, Level, LogImport, ManifestFacts, Outcome } from "./contract.ts";
import { SandboxError, ToolError } from "./errors.ts";
import { Files } from "./files.ts";
import { open } from "./guard.ts";
import { Http } from "./http.ts";
import { json, Kv, type Codec } from "./kv.ts";
import type { Caller, Context, Log, Plugin } from "./plugin.ts";
import { answerTo, Asked, replyTo, type Fields, type Filled, type Reply } from "./questions.ts";

/** The export `tools`: one function that runs a tool. */
export interface ToolsExport {
  call(tool: string, args: string): Outcome;
}

/** The plugin as the host calls it. Throws, and so fails the build, when plugin and manifest list different tools. */
export function serve(plugin: Plugin, manifest: ManifestFacts, imports: Imports): ToolsExport {
  const tools = checkedTools(plugin, manifest);
  const log = logger(imports.log);
  return {
    call(tool, args) {
      const close = open(imports);
      try {
        const handler = tools.get(tool);
        // The host calls only what the manifest lists, and the build has checked that list.
        if (handler === undefined) return failed(`This plugin has no tool \`${tool}\`.`);
        const context = new CallContext(tool, log, manifest, imports);
        return outcomeOf(tool, handler(JSON.parse(args), context));
      } catch (thrown) {
        if (thrown instanceof Asked) return { tag: "needs-input", val: { questions: thrown.questions, state: thrown.state } };
        if (thrown instanceof ToolError) return failed(thrown.message);
        if (isOutOfMemory(thrown)) return failed(`\`${tool}\` ran out of memory. Give it less at once; the manifest sets \`limits.memory\`.`);
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        log.error(`${tool}: ${error.name}: ${error.message}\n${error.stack ?? ""}`);
        // A SandboxError teaches the author. Of any other the model needs no more than whose fault it was.
        if (error instanceof SandboxError) return failed(error.message);
        return failed(`\`${tool}\` failed inside its plugin, which is a fault of the plugin and not of the arguments.`);
      } finally {
        close();
      }
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

function checkedTools(plugin: Plugin, { file, tools: listed }: ManifestFacts): Map<string, Plugin["tools"][string]> {
  if (typeof plugin?.tools !== "object" || plugin.tools === null) {
    throw new SandboxError("The entry module has to `export default definePlugin({ tools: { ... } })`.");
  }
  const tools = new Map(Object.entries(plugin.tools));
  const missing = listed.filter((name) => !tools.has(name));
  const extra = [...tools.keys()].filter((name) => !listed.includes(name));
  if (missing.length > 0 || extra.length > 0) {
    const names = (list: string[]) => list.map((name) => `\`${name}\``).join(", ");
    throw new SandboxError(
      [
        missing.length > 0 ? `${file} lists ${names(missing)}, which definePlugin lacks: add the handler.` : "",
        extra.length > 0 ? `definePlugin has ${names(extra)}, which ${file} lacks: add a [[tool]].` : "",
      ]
        .filter(Boolean)
        .join(" "),
    );
  }
  return tools;
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

function failed(message: string): Outcome {
  return { tag: "failed", val: message };
}
