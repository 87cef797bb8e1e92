// What a tool may give back, and how it becomes an outcome of the contract.

import type { Outcome, WireContent, WireContents } from "./contract.ts";
import { SandboxError } from "./errors.ts";

/** One piece of what the model and the person read. */
export type Content =
  | { type: "text"; text: string }
  | { type: "image"; data: Uint8Array; mimeType: string }
  | { type: "audio"; data: Uint8Array; mimeType: string }
  | { type: "link"; uri: string; name: string; mimeType?: string }
  /** A resource with what it holds: one of the plugin's own, or of a scheme that nothing fetches. */
  | ({ type: "resource"; uri: string } & Contents);

/** What a resource holds: text or bytes. `uri` is the one that was asked for when left out. */
export type Contents = { uri?: string; mimeType?: string } & ({ text: string } | { data: Uint8Array });

/** The parts of an explicit answer. */
export interface AnswerParts {
  /** What the model and the person read. A string is one text. Left out: the host shows the structured value as text. */
  content?: string | Content[];
  /** A value that fits the tool's output schema. */
  structured?: object;
  /** `_meta` of the result, for the client and not for the model. */
  meta?: object;
}

/** An answer in which every part was given explicitly. Made by {@link answer}. */
export class Answer {
  readonly parts: AnswerParts;

  constructor(parts: AnswerParts) {
    this.parts = parts;
  }
}

/**
 * What a handler returns: a string (text), a plain object (structured content), or an {@link answer}. Never a promise:
 * every function of the host is synchronous, so there is nothing to wait for.
 */
export type Result = string | Answer | (object & { then?: never; length?: never });

/** An answer with explicit parts, for a tool that shows one thing and structures another. */
export function answer(parts: AnswerParts): Answer {
  return new Answer(parts);
}

/** The outcome of a call that returned `result`. Throws what the author has to know when it is no answer. */
export function outcomeOf(tool: string, result: unknown): Outcome {
  if (typeof result === "string") return done([{ tag: "text", val: result }], null, null);
  if (result instanceof Answer) {
    const { content = [], structured, meta } = result.parts;
    const blocks: Content[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
    return done(blocks.map(wire), jsonObject(tool, "structured", structured), jsonObject(tool, "meta", meta));
  }
  if (typeof result === "object" && result !== null && "then" in result) {
    throw new SandboxError(
      `The handler of \`${tool}\` returned a promise. Handlers are synchronous: every function of the host is too, so ` +
        "nothing has to be awaited. Remove `async`, and use libraries through their synchronous functions.",
    );
  }
  if (result === undefined || result === null || typeof result !== "object") {
    throw new SandboxError(
      `The handler of \`${tool}\` returned ${result === null ? "null" : typeof result}. Return a string (text), an object ` +
        "(structured content that fits the tool's output schema) or `answer({ ... })`.",
    );
  }
  return done([], jsonObject(tool, "structured", result), null);
}

function done(content: WireContent[], structured: string | null, meta: string | null): Outcome {
  return { tag: "done", val: { content, structured, meta } };
}

function jsonObject(tool: string, part: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SandboxError(
      `The ${part} content of \`${tool}\` is ${Array.isArray(value) ? "an array" : typeof value}. It has to be an object, ` +
        "because MCP clients accept nothing else there: put the value under a name, such as { items: [...] }.",
    );
  }
  return JSON.stringify(value);
}

export function contentsOf(contents: Contents & { uri: string }): WireContents {
  const body = "text" in contents ? ({ tag: "text", val: contents.text } as const) : ({ tag: "blob", val: contents.data } as const);
  return { uri: contents.uri, mimeType: contents.mimeType ?? "", body };
}

export function wire(content: Content): WireContent {
  switch (content.type) {
    case "text":
      return { tag: "text", val: content.text };
    case "image":
    case "audio":
      return { tag: content.type, val: { data: content.data, mimeType: content.mimeType } };
    case "link":
      return { tag: "link", val: { uri: content.uri, name: content.name, mimeType: content.mimeType ?? null } };
    case "resource":
      return { tag: "embedded", val: contentsOf(content) };
  }
}
