// Asking the person, the client's model and the client, and reading what was answered.

import type { NeedsInput, QuestionsImport, WireAnswer } from "./contract.ts";
import { ToolError } from "./errors.ts";
import { messageOf, type Message } from "./more.ts";
import { decode, encode } from "./utf8.ts";

/** A field of a form. It has to be filled in unless it says `optional: true`. */
export type Field = FieldText & FieldKind;

interface FieldText {
  title?: string;
  description?: string;
  optional?: boolean;
}

type FieldKind =
  | {
      type: "string";
      /** One of these. */
      enum?: readonly string[];
      /** One of these, each with what the person reads in its place. */
      oneOf?: readonly { const: string; title: string }[];
      minLength?: number;
      maxLength?: number;
      format?: "email" | "uri" | "date" | "date-time";
      default?: string;
    }
  | { type: "number" | "integer"; minimum?: number; maximum?: number; default?: number }
  | { type: "boolean"; default?: boolean }
  | {
      type: "array";
      /** Some of these. */
      items: { type: "string"; enum: readonly string[] } | { anyOf: readonly { const: string; title: string }[] };
      minItems?: number;
      maxItems?: number;
    };

/** The fields of a form, by name. Never a password, a key or a card: the host refuses fields that are named so. */
export type Fields = Record<string, Field>;

type ValueOf<F extends Field> = F extends { type: "string"; enum: readonly (infer Choice)[] }
  ? Choice
  : F extends { type: "string"; oneOf: readonly { const: infer Choice }[] }
  ? Choice
  : F extends { type: "string" }
    ? string
    : F extends { type: "number" | "integer" }
      ? number
      : F extends { type: "boolean" }
        ? boolean
        : F extends { items: { enum: readonly (infer Choice)[] } }
          ? Choice[]
          : F extends { items: { anyOf: readonly { const: infer Choice }[] } }
            ? Choice[]
            : never;

type OptionalNames<F extends Fields> = { [Name in keyof F]: F[Name] extends { optional: true } ? Name : never }[keyof F];

/** What the person filled in. */
export type Filled<F extends Fields> = { -readonly [Name in Exclude<keyof F, OptionalNames<F>>]: ValueOf<F[Name]> } & {
  -readonly [Name in OptionalNames<F>]?: ValueOf<F[Name]>;
};

/** What the client's own model is asked to say. The client decides whether and how. */
export interface Sampling {
  /** What it is told: a string is one message of the person. */
  messages: string | Message[];
  /** At most so many. */
  maxTokens: number;
  systemPrompt?: string;
  temperature?: number;
  stopSequences?: string[];
}

/** What the client's model said. */
export interface Sampled {
  /** All of its text. */
  text: string;
  /** The name of the model, as the client gives it. */
  model: string;
  /** Why it ended, such as `endTurn`. */
  stopReason?: string;
  /** Blocks of content, as MCP has them. */
  content: any[];
}

/** A folder or file that the client works on. */
export interface Root {
  uri: string;
  name?: string;
}

/** What became of a question. */
export type Reply<T> = { tag: "accepted"; answer: T } | { tag: "declined" } | { tag: "cancelled" };

/** Ends the tool with a question. Not an error: let it through. */
export class Asked extends Error {
  override name = "Asked";
  readonly needs: NeedsInput;

  constructor(needs: Partial<NeedsInput>, state: Uint8Array) {
    super("The person has to be asked first. This ends the tool and must not be caught.");
    this.needs = { questions: [], samplings: [], roots: [], ...needs, state };
  }
}

/** The reply to the question `key`; throws {@link Asked} as long as there is none. */
export function replyTo(host: QuestionsImport, key: string, message: string, fields: Fields): Reply<any> {
  return reply(host, key, () => ({ questions: [{ key, message, schema: JSON.stringify(schemaOf(fields)) }] }));
}

/** What the client's model said under `key`, or a tool error where the client does not let it. */
export function sampled(host: QuestionsImport, key: string, sampling: Sampling): Sampled {
  const { messages, maxTokens, systemPrompt, temperature, stopSequences } = sampling;
  const told: Message[] = typeof messages === "string" ? [{ role: "user", content: messages }] : messages;
  const said = reply(host, key, () => ({
    samplings: [
      {
        key,
        messages: told.map(messageOf),
        systemPrompt: systemPrompt ?? null,
        maxTokens,
        temperature: temperature ?? null,
        stopSequences: stopSequences ?? [],
      },
    ],
  }));
  if (said.tag !== "accepted") throw new ToolError("The client did not ask its model, and nothing was done.");
  const { content, model = "", stopReason } = said.answer;
  // Revisions of MCP differ in whether a message has one block or several.
  const blocks: any[] = Array.isArray(content) ? content : [content];
  const text = blocks.flatMap((block) => (block?.type === "text" ? [block.text] : [])).join("");
  return stopReason === undefined ? { text, model, content: blocks } : { text, model, stopReason, content: blocks };
}

/** The roots that came under `key`, or a tool error where the client gives none. */
export function rootsOf(host: QuestionsImport, key: string): Root[] {
  const given = reply(host, key, () => ({ roots: [key] }));
  if (given.tag !== "accepted") throw new ToolError("The client did not give its roots, and nothing was done.");
  return given.answer.roots;
}

/** What was replied under `key`; throws {@link Asked} as long as nothing was. Earlier answers travel in the state. */
function reply(host: QuestionsImport, key: string, needs: () => Partial<NeedsInput>): Reply<any> {
  const round = host.answered();
  const known: WireAnswer[] =
    round === null || round === undefined ? [] : [...earlier(round.state), ...round.answers.map(plain)];
  const found = known.find((answer) => answer.key === key);
  if (found === undefined) {
    throw new Asked(needs(), encode(JSON.stringify(known)));
  }
  const { tag } = found.reply;
  return tag === "accepted" ? { tag, answer: JSON.parse(found.reply.val) } : { tag };
}

/** The answer to the question `key`, or a tool error where the person gives none. */
export function answerTo(host: QuestionsImport, key: string, message: string, fields: Fields): any {
  const reply = replyTo(host, key, message, fields);
  if (reply.tag === "accepted") return reply.answer;
  throw new ToolError(
    reply.tag === "declined"
      ? "The person did not want to answer, and nothing was done."
      : "The person closed the question, and nothing was done.",
  );
}

function earlier(state: Uint8Array): WireAnswer[] {
  return state.length === 0 ? [] : (JSON.parse(decode(state, true)) as WireAnswer[]);
}

/** Without what the engine adds to a record. */
function plain({ key, reply }: WireAnswer): WireAnswer {
  return { key, reply: reply.tag === "accepted" ? { tag: "accepted", val: reply.val } : { tag: reply.tag } };
}

function schemaOf(fields: Fields): object {
  const names = Object.keys(fields);
  const properties = Object.fromEntries(
    names.map((name) => {
      const { optional: _, ...schema } = fields[name]!;
      return [name, schema];
    }),
  );
  return { type: "object", properties, required: names.filter((name) => fields[name]!.optional !== true) };
}
