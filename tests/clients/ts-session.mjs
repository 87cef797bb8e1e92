// Connections of the official TypeScript client, and a person who answers its questions.

import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const REVISION = "2026-07-28";

/**
 * Connects as `options()` of checks.mjs says. With `person` questions can be put to that person; `capabilities` are what
 * the client says that it can do.
 */
export async function connect({ era, url, argv, bearer }, { person, capabilities = person ? { elicitation: { form: {} } } : {} } = {}) {
  const mode = era === "modern" ? { pin: REVISION } : era;
  const client = new Client({ name: "portcullis-ts-test", version: "0.0.0" }, { capabilities, versionNegotiation: { mode } });
  if (person) client.setRequestHandler("elicitation/create", (request) => person.answer(request.params));
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  await client.connect(
    argv === undefined
      ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
      : new StdioClientTransport({ command: argv[0], args: argv.slice(1), stderr: "inherit" }),
  );
  // A host that speaks both has to be found out as modern by a client that asks.
  assert.equal(client.getProtocolEra(), era === "legacy" ? "legacy" : "modern");
  return client;
}

/** A person who has made up their mind before each call, and sees what is asked. */
export class Person {
  #replies = [];
  #asked = [];

  /**
   * Makes `call` and gives its result and the questions that were asked during it: as many as there are `replies`. A
   * function among them is called when its turn comes, and gives the reply.
   */
  async replying(replies, call) {
    [this.#replies, this.#asked] = [[...replies], []];
    const result = await call();
    const asked = this.#asked;
    assert.equal(asked.length, replies.length, `the person was asked ${asked.length} times; ${JSON.stringify(result)}`);
    return { result, asked };
  }

  /** Makes `call`, during which nothing may be asked, and gives its result. */
  async unasked(call) {
    return (await this.replying([], call)).result;
  }

  /** What the client calls for each question. */
  answer(question) {
    this.#asked.push(question);
    const reply = this.#replies.shift();
    if (reply === undefined) throw new Error("nobody is there to answer");
    return typeof reply === "function" ? reply() : reply;
  }
}

/** What a person can reply. */
export const DECLINED = { action: "decline" };
export const CANCELLED = { action: "cancel" };
export const accepted = (content) => ({ action: "accept", content });

/** What asks for a preview instead of the call: the call's `_meta`. */
export const PREVIEW = { "portcullis/preview": true };

/** A question, checked to be a form, which it is also where it does not say so. */
export function formOf(question) {
  assert.equal(question.mode ?? "form", "form");
  return question;
}

/** That the host asks whether something may be done, which is each of `what`. */
export function asksToConfirm(question, ...what) {
  const { message, requestedSchema } = formOf(question);
  for (const words of ["May this be done?", ...what]) assert.ok(message.includes(words), `it does not say "${words}": ${message}`);
  assert.deepEqual(Object.keys(requestedSchema.properties), ["confirm"]);
  assert.equal(requestedSchema.properties.confirm.type, "boolean");
  assert.equal(requestedSchema.properties.confirm.default, false, "nobody agrees by pressing return");
  assert.deepEqual(requestedSchema.required, ["confirm"]);
}

/** What a client throws instead of giving a result, as a result. */
export const thrown = (error) => ({ isError: true, content: [{ type: "text", text: error.message }] });

/** The texts of a result, one below the other. */
export const textOf = (result) => result.content.map(({ text }) => text).join("\n");

/** That the tool said that it failed, and each of `says`. */
export function failed(result, ...says) {
  assert.equal(result.isError, true, `it did not fail: ${JSON.stringify(result)}`);
  for (const words of says) assert.ok(textOf(result).includes(words), `it does not say "${words}": ${textOf(result)}`);
}

/** The structured content of a result that is no error. */
export function structuredOf(result) {
  assert.ok(!result.isError, `it failed: ${JSON.stringify(result.content)}`);
  assert.equal(typeof result.structuredContent, "object", "there is no structured content");
  return result.structuredContent;
}
