// Asking the person, and reading what was answered.

import type { QuestionsImport, WireAnswer, WireQuestion } from "./contract.ts";
import { ToolError } from "./errors.ts";
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
      items: { type: "string"; enum: readonly string[] };
      minItems?: number;
      maxItems?: number;
    };

/** The fields of a form, by name. Never a password, a key or a card: the host refuses fields that are named so. */
export type Fields = Record<string, Field>;

type ValueOf<F extends Field> = F extends { type: "string"; enum: readonly (infer Choice)[] }
  ? Choice
  : F extends { type: "string" }
    ? string
    : F extends { type: "number" | "integer" }
      ? number
      : F extends { type: "boolean" }
        ? boolean
        : F extends { items: { enum: readonly (infer Choice)[] } }
          ? Choice[]
          : never;

type OptionalNames<F extends Fields> = { [Name in keyof F]: F[Name] extends { optional: true } ? Name : never }[keyof F];

/** What the person filled in. */
export type Filled<F extends Fields> = { -readonly [Name in Exclude<keyof F, OptionalNames<F>>]: ValueOf<F[Name]> } & {
  -readonly [Name in OptionalNames<F>]?: ValueOf<F[Name]>;
};

/** What became of a question. */
export type Reply<T> = { tag: "accepted"; answer: T } | { tag: "declined" } | { tag: "cancelled" };

/** Ends the tool with a question. Not an error: let it through. */
export class Asked extends Error {
  override name = "Asked";
  readonly questions: WireQuestion[];
  readonly state: Uint8Array;

  constructor(questions: WireQuestion[], state: Uint8Array) {
    super("The person has to be asked first. This ends the tool and must not be caught.");
    this.questions = questions;
    this.state = state;
  }
}

/** The reply to the question `key`; throws {@link Asked} as long as there is none. Earlier answers travel in the state. */
export function replyTo(host: QuestionsImport, key: string, message: string, fields: Fields): Reply<any> {
  const round = host.answered();
  const known: WireAnswer[] =
    round === null || round === undefined ? [] : [...earlier(round.state), ...round.answers.map(plain)];
  const found = known.find((answer) => answer.key === key);
  if (found === undefined) {
    throw new Asked([{ key, message, schema: JSON.stringify(schemaOf(fields)) }], encode(JSON.stringify(known)));
  }
  const { reply } = found;
  return reply.tag === "accepted" ? { tag: "accepted", answer: JSON.parse(reply.val) } : { tag: reply.tag };
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
