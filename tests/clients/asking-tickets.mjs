// The official TypeScript client, with a person behind it, against a running host that serves the plugin `tickets` and
// reaches its tracker: a question that a tool asks, and a request that leaves the host only when a person has agreed.
// Usage: README.md.

import assert from "node:assert/strict";
import { checker, main, options } from "./checks.mjs";
import {
  CANCELLED, DECLINED, PREVIEW, Person, accepted, asksToConfirm, connect, failed, formOf, structuredOf,
} from "./ts-session.mjs";

const ORIGIN = "https://tickets.test:8443";

/** What a request to the tracker is in a preview, without what is in it. */
const sends = (path) => ({ effect: "egress.send", capability: "tracker", method: "POST", origin: ORIGIN, path });

await main(async () => {
  const { transport, ...where } = options();
  const { check, done } = checker();
  const person = new Person();
  const client = await connect(where, { person });
  const call = (name, args, meta) => client.callTool({ name, arguments: args, ...(meta && { _meta: meta }) });
  // From here on the client holds every result to the output schema of its tool.
  await client.listTools();

  const title = `Asking ${process.pid}-${Date.now()}`;
  const ticket = { title, body: "It does not ring." };
  const found = async () => structuredOf(await call("tickets_search", { query: title })).tickets;
  const effectsOf = (result) => structuredOf(result).preview.effects.map(({ headers, headers_sha256, body, ...effect }) => effect);
  const creates = (replies, meta) => person.replying(replies, () => call("tickets_create", ticket, meta));

  await check("a tool asks for what it was not told, and the host says which tool asks", async () => {
    const { asked } = await creates([DECLINED]);
    const { message, requestedSchema } = formOf(asked[0]);
    assert.equal(message, "The tool `tickets_create` asks: How urgent is the new ticket?");
    const { priority, ...others } = requestedSchema.properties;
    assert.deepEqual([priority.type, priority.enum, others], ["string", ["low", "normal", "high"], {}]);
  });
  for (const [who, reply] of Object.entries({ declines: DECLINED, cancels: CANCELLED })) {
    await check(`who ${who} gets no ticket`, async () => {
      failed((await creates([reply])).result, "nothing was done");
      assert.deepEqual(await found(), []);
    });
  }
  await check("a preview asks, too, and shows the request that it does not send", async () => {
    const { result } = await creates([accepted({ priority: "low" })], PREVIEW);
    assert.deepEqual(effectsOf(result), [sends("/v1/tickets")]);
    assert.equal(structuredOf(result).preview.whole, true);
    assert.deepEqual(await found(), []);
  });
  const created = await check("an answer that is none is asked for again, and one that is makes one ticket", async () => {
    const { result, asked } = await creates([accepted({ priority: "soon" }), accepted({}), accepted({ priority: "high" })]);
    const words = asked.map(({ message, requestedSchema }) => JSON.stringify([message, requestedSchema]));
    assert.equal(new Set(words).size, 1, `the same question each time: ${words.join("\n")}`);
    const { id, ...rest } = structuredOf(result);
    assert.deepEqual(rest, { title, priority: "high" });
    assert.deepEqual((await found()).map((ticket) => [ticket.id, ticket.priority]), [[id, "high"]]);
    return id;
  });
  await check("nobody is asked what the call has said already", async () => {
    const result = await person.unasked(() => call("tickets_comment", { id: created, body: "Nor does it open." }));
    assert.ok(!result.isError, JSON.stringify(result));
    const { comments } = structuredOf(await call("tickets_read", { id: created }));
    assert.deepEqual(comments.map(({ body }) => body), ["Nor does it open."]);
  });
  const stateOf = async (id) => structuredOf(await call("tickets_read", { id })).state;
  const closes = (reply) => person.replying([reply], () => call("tickets_close", { id: created, reason: "It rings." }));
  await check("who does not agree to a request has it not sent", async () => {
    for (const reply of [DECLINED, CANCELLED, accepted({ confirm: false })]) {
      const { result, asked } = await closes(reply);
      asksToConfirm(asked[0], "tickets_close", `send POST to ${ORIGIN}, path "/v1/tickets/${created}/close"`);
      failed(result, "did not agree", "nothing was done");
      assert.equal(await stateOf(created), "open");
    }
  });
  await check("who agrees to it has it sent", async () => {
    const { result } = await closes(accepted({ confirm: true }));
    assert.deepEqual(structuredOf(result), { id: created, state: "closed" });
    assert.equal(await stateOf(created), "closed");
  });
  const revision = client.getNegotiatedProtocolVersion();
  await client.close();

  const silent = await connect(where);
  const quietly = (name, args) => silent.callTool({ name, arguments: args });
  await silent.listTools();
  const second = await check("a client that can't ask is told to say it, and then gets its ticket", async () => {
    failed(await quietly("tickets_create", ticket), "this client has not said that it can ask");
    return structuredOf(await quietly("tickets_create", { ...ticket, priority: "low" })).id;
  });
  await check("and gets a preview and a confirmation of what has to be confirmed, which counts once", async () => {
    const shown = await quietly("tickets_close", { id: second });
    assert.deepEqual(effectsOf(shown), [sends(`/v1/tickets/${second}/close`)]);
    const state = async () => structuredOf(await quietly("tickets_read", { id: second })).state;
    assert.equal(await state(), "open");
    const { confirmation } = structuredOf(shown);
    assert.deepEqual(structuredOf(await quietly("tickets_close", { id: second, confirmation })), { id: second, state: "closed" });
    failed(await quietly("tickets_close", { id: second, confirmation }), "used already");
  });
  await silent.close();
  return { client: "typescript", era: where.era, transport, revision, checks: done };
});
