// What a plugin may have beside tools: resources, prompts and completions, and how they become outcomes of the contract.

import { contentsOf, wire, type Content, type Contents } from "./answer.ts";
import type { WireArgument, WireCompletion, WireMessage, WirePrompting, WireReading } from "./contract.ts";
import { SandboxError } from "./errors.ts";

/** What was asked for of a resource. */
export interface Read<V = Record<string, string>> {
  /** The URI, as the client gave it. */
  uri: string;
  /** The values of the variables of the manifest's `uri`, decoded. */
  variables: V;
}

/**
 * What a resource gives: a text, which has the `mime` of the manifest; or contents, which say more; or several of them. Undefined
 * is that there is nothing under that URI.
 */
export type Found = string | Contents | Contents[] | undefined;

/** A part of a conversation. A string is one text. */
export interface Message {
  role: "user" | "assistant";
  content: string | Content;
}

/** What a prompt gives: one text of the person, or messages, or these with a description. */
export type PromptResult = string | Message[] | { description?: string; messages: Message[] };

/** What is being written. */
export interface Written {
  /** What is there so far. */
  value: string;
  /** Arguments that are written already. */
  context: Record<string, string>;
}

/** The most values that are sent. */
const MOST = 100;

/** What it could be, the best first: all of it, or the beginning and whether there is more. */
export type Suggestions = readonly string[] | { values: readonly string[]; total?: number; hasMore: boolean };

/**
 * The URI of a resource: the manifest's `uri`, with these values of its variables. It is, letter by letter, the URI under which
 * the host lists and reads it. A variable without a value gives nothing.
 */
export function resourceUri(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\+?)([^{}]*)\}/g, (_, reserved: string, name: string) => {
    const stays = reserved === "" ? /[\w.~-]/ : /[\w.~:/?#[\]@!$&'()*+,;=-]/;
    // Letter by letter: what stays depends on the variable.
    return [...(values[name] ?? "")].map((c) => (stays.test(c) ? c : encode(c))).join("");
  });
}

function encode(c: string): string {
  return encodeURIComponent(c).replace(/[!'()*]/, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function record(given: readonly WireArgument[]): Record<string, string> {
  return Object.fromEntries(given.map(({ name, value }) => [name, value]));
}

export function readingOf(name: string, uri: string, mime: string, found: unknown): WireReading {
  if (found === undefined) return { tag: "not-found" };
  const list = Array.isArray(found) ? (found as Contents[]) : [typeof found === "string" ? { text: found } : (found as Contents)];
  if (list.length === 0) return { tag: "not-found" };
  for (const contents of list) {
    if (typeof contents !== "object" || contents === null || ("text" in contents) === ("data" in contents)) {
      throw new SandboxError(
        `The resource \`${name}\` gave what is no contents. Return a string, { text } or { data }, a list of these, or undefined ` +
          "when there is nothing under that URI. Handlers are synchronous.",
      );
    }
  }
  return { tag: "done", val: list.map((contents) => contentsOf({ uri, mimeType: mime, ...contents })) };
}

export function promptingOf(name: string, result: unknown): WirePrompting {
  const given = typeof result === "string" ? { messages: [{ role: "user", content: result }] } : Array.isArray(result) ? { messages: result } : result;
  const { description, messages } = (given ?? {}) as { description?: string; messages?: Message[] };
  if (!Array.isArray(messages)) {
    throw new SandboxError(
      `The prompt \`${name}\` gave no messages. Return a string, a list of { role, content }, or { description, messages }. ` +
        "Handlers are synchronous.",
    );
  }
  return { tag: "done", val: { description: description ?? null, messages: messages.map(messageOf) } };
}

export function messageOf({ role, content }: Message): WireMessage {
  return { role, content: wire(typeof content === "string" ? { type: "text", text: content } : content) };
}

export function completionOf(given: Suggestions): WireCompletion {
  const { values, total, hasMore } = Array.isArray(given)
    ? { values: given as readonly string[], total: given.length, hasMore: given.length > MOST }
    : (given as Exclude<Suggestions, readonly string[]>);
  return { values: values.slice(0, MOST).map(String), total: total ?? null, hasMore: hasMore || values.length > MOST };
}
