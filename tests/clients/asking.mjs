// The official TypeScript client, with a person behind it, against a running host that serves the plugin `notes`: what is
// shown before it is done, what the person is asked, and what becomes of it. Usage: README.md.

import assert from "node:assert/strict";
import { checker, main, options } from "./checks.mjs";
import {
  CANCELLED, DECLINED, PREVIEW, Person, accepted, asksToConfirm, connect, failed, structuredOf, textOf, thrown,
} from "./ts-session.mjs";

await main(async () => {
  const { transport, ...where } = options();
  const { check, done } = checker();
  const person = new Person();
  const client = await connect(where, { person });
  const call = (name, args, meta) => client.callTool({ name, arguments: args, ...(meta && { _meta: meta }) });
  // From here on the client holds every result to the output schema of its tool.
  await client.listTools();

  const title = `Asking ${process.pid}-${Date.now()}`;
  const create = async (word) => structuredOf(await call("notes_create", { title: `${title} ${word}`, body: "" })).id;
  const kept = async () => {
    const { notes } = structuredOf(await call("notes_search", { query: title, limit: 50 }));
    return notes.map(({ id }) => id).sort();
  };

  await check("a preview of notes_create shows what would be kept, asks nobody and keeps nothing", async () => {
    const args = { title: `${title} preview`, body: "two litres" };
    const result = await person.unasked(() => call("notes_create", args, PREVIEW));
    const { preview, ...rest } = structuredOf(result);
    assert.deepEqual(rest, {}, "a preview that was asked for offers nothing to confirm");
    assert.equal(preview.whole, true);
    const effects = preview.effects.map(({ effect, capability }) => [effect, capability]);
    assert.deepEqual(effects, [["kv.set", "notebook"]]);
    assert.ok(textOf(result).includes("nothing was done"), textOf(result));
    assert.deepEqual(await kept(), []);
  });

  const [one, other] = [await create("one"), await create("other")];
  const both = [one, other].sort();
  const deletes = (reply) => person.replying([reply], () => call("notes_delete", { id: one }));

  await check("a preview of notes_delete asks nobody and deletes nothing", async () => {
    const result = await person.unasked(() => call("notes_delete", { id: one }, PREVIEW));
    const { effects } = structuredOf(result).preview;
    assert.deepEqual(effects, [{ effect: "kv.delete", capability: "notebook", key: `note/${one}` }]);
    assert.deepEqual(await kept(), both);
  });
  await check("what the person is asked names the tool and what it would do", async () => {
    const { asked } = await deletes(DECLINED);
    asksToConfirm(asked[0], "notes_delete", `remove from notebook "note/${one}"`);
    assert.ok(!asked[0].message.includes(other), "it names something else");
  });
  await check("a client that fails to ask has nothing deleted", async () => {
    const nobody = () => {
      throw new Error("the window is closed");
    };
    const { result } = await person.replying([nobody], () => call("notes_delete", { id: one }).catch(thrown));
    // In the modern era it is the client's own affair, and the host hears no more of it.
    failed(result, client.getProtocolEra() === "legacy" ? "the client did not ask it" : "the window is closed");
    assert.deepEqual(await kept(), both);
  });
  const refusals = {
    "who declines": DECLINED,
    "who cancels": CANCELLED,
    "who accepts with confirm = false": accepted({ confirm: false }),
    "who accepts and says nothing": accepted({}),
    "who accepts with the word true": accepted({ confirm: "true" }),
  };
  for (const [who, reply] of Object.entries(refusals)) {
    await check(`${who} keeps the note`, async () => {
      const { result } = await deletes(reply);
      failed(result, "did not agree", "nothing was done");
      assert.deepEqual(await kept(), both);
    });
  }
  await check("who accepts with confirm = true has it deleted, and nothing else", async () => {
    const { result, asked } = await deletes(accepted({ confirm: true }));
    assert.deepEqual(structuredOf(result), { id: one, title: `${title} one` });
    assert.ok(asked[0].message.includes(`note/${one}`), asked[0].message);
    assert.deepEqual(await kept(), [other]);
  });
  await check("nobody is asked about what can't be done", async () => {
    failed(await person.unasked(() => call("notes_delete", { id: one })), "nothing was done");
    assert.deepEqual(await kept(), [other]);
  });
  if (client.getProtocolEra() === "modern") {
    await check("an agreement counts for its own arguments, and once", async () => {
      const third = await create("third");
      // By hand: what the client sends by itself in each round.
      const send = (id, more) => {
        const params = { name: "notes_delete", arguments: { id }, ...more };
        return client.request({ method: "tools/call", params }, { allowInputRequired: true });
      };
      const { resultType, inputRequests, requestState } = await send(third);
      assert.equal(resultType, "input_required");
      assert.deepEqual(Object.keys(inputRequests), ["confirm"]);
      const agreed = { requestState, inputResponses: { confirm: accepted({ confirm: true }) } };
      failed(await send(other, agreed), "for other arguments");
      assert.deepEqual(await kept(), [other, third].sort());
      assert.deepEqual(structuredOf(await send(third, agreed)).id, third);
      failed(await send(third, agreed), "used already");
      assert.deepEqual(await kept(), [other]);
    });
  }
  const revision = client.getNegotiatedProtocolVersion();
  await client.close();

  // Clients that can't put the question: one that says nothing of questions, and one that can only show addresses.
  for (const [who, capabilities] of Object.entries({ nothing: {}, "addresses only": { elicitation: { url: {} } } })) {
    const silent = await connect(where, { capabilities });
    const call = (name, args) => silent.callTool({ name, arguments: args });
    await silent.listTools();
    const id = structuredOf(await call("notes_create", { title: `${title} ${who}`, body: "" })).id;
    await check(`a client that can ask ${who} gets the preview and deletes with its confirmation, once`, async () => {
      const shown = structuredOf(await call("notes_delete", { id }));
      assert.deepEqual(shown.preview.effects, [{ effect: "kv.delete", capability: "notebook", key: `note/${id}` }]);
      assert.equal(structuredOf(await call("notes_read", { id })).id, id, "it was deleted before it was confirmed");
      const { confirmation } = shown;
      assert.deepEqual(structuredOf(await call("notes_delete", { id, confirmation })).id, id);
      failed(await call("notes_delete", { id, confirmation }), "used already");
      failed(await call("notes_read", { id }));
    });
    await silent.close();
  }

  const last = await connect(where, { person });
  await check("what a person agreed to in one session is asked again in the next", async () => {
    const deletes = () => last.callTool({ name: "notes_delete", arguments: { id: other } });
    const { result } = await person.replying([accepted({ confirm: true })], deletes);
    assert.equal(structuredOf(result).id, other);
    const { notes } = structuredOf(await last.callTool({ name: "notes_search", arguments: { query: title } }));
    assert.deepEqual(notes, []);
  });
  await last.close();
  return { client: "typescript", era: where.era, transport, revision, checks: done };
});
