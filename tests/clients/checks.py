"""What every client has to find, whichever it is: the same as `checks.mjs`, with the same `expected.json`."""

import json
import os
import time
from pathlib import Path

EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text(encoding="utf-8"))
HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


def equal(found, wanted, what=""):
    """An assertion that shows both sides; `True` is not 1 here."""
    if json.dumps(found, sort_keys=True) != json.dumps(wanted, sort_keys=True):
        raise AssertionError(f"{what}: wanted {wanted!r}, found {found!r}")


class Checks:
    """`session` has `list_tools()` and `call_tool(name, arguments)`, which give plain JSON as on the wire."""

    def __init__(self, session):
        self.session = session
        self.done = []

    async def check(self, name, body):
        try:
            value = await body()
        except Exception as error:
            raise AssertionError(f'check "{name}" failed: {error}') from error
        self.done.append(name)
        return value

    async def structured(self, tool, arguments):
        result = await self.session.call_tool(tool, arguments)
        assert not result.get("isError"), f"{tool} failed: {result['content']}"
        assert isinstance(result.get("structuredContent"), dict), f"{tool} gave no structured content"
        assert any(part["type"] == "text" and part["text"] for part in result["content"]), f"{tool} gave no text"
        return result

    async def run(self):
        await self.check("tools are listed with their annotations", self.tools)
        for case in EXPECTED["answers"]:
            await self.check(f"{case['tool']} gives the exact result", lambda case=case: self.answer(case))
        for case in EXPECTED["refusals"]:
            await self.check(case["why"], lambda case=case: self.refusal(case))
        await self.notes()
        return self.done

    async def tools(self):
        tools = {tool["name"]: tool for tool in await self.session.list_tools()}
        for name, hints in EXPECTED["tools"].items():
            assert name in tools, f"{name} is not listed; there is {', '.join(tools)}"
            tool = tools[name]
            assert tool["description"].startswith("Use this when "), name
            equal(tool["inputSchema"].get("additionalProperties"), False, f"{name}: input schema")
            equal(tool["outputSchema"]["type"], "object", f"{name}: output schema")
            for hint in HINTS:
                assert isinstance(tool["annotations"].get(hint), bool), f"{name}: {hint}"
            for hint, value in hints.items():
                equal(tool["annotations"][hint], value, f"{name}: {hint}")

    async def answer(self, case):
        result = await self.structured(case["tool"], case["arguments"])
        # 7 and 7.0 are one number in JSON, and two in Python.
        equal(numbers(result["structuredContent"]), numbers(case["structured"]), case["tool"])
        text = "".join(part["text"] for part in result["content"] if part["type"] == "text")
        equal(numbers(json.loads(text)), numbers(case["structured"]), f"{case['tool']}: text")

    async def refusal(self, case):
        result = await self.session.call_tool(case["tool"], case["arguments"])
        equal(result.get("isError"), True, case["tool"])
        text = "\n".join(part.get("text", "") for part in result["content"])
        assert case["says"] in text, text

    async def notes(self):
        title = f"Client test {os.getpid()}-{time.time_ns()}"
        body = "Zürich 🏰\nsecond line"

        async def create():
            note = (await self.structured("notes_create", {"title": title, "body": body}))["structuredContent"]
            equal([note["title"], note["body"]], [title, body], "notes_create")
            assert isinstance(note["id"], str)
            return note["id"]

        note_id = await self.check("notes_create keeps a note", create)

        async def found():
            result = await self.structured("notes_search", {"query": title})
            return [note["id"] for note in result["structuredContent"]["notes"]]

        async def read():
            note = (await self.structured("notes_read", {"id": note_id}))["structuredContent"]
            equal([note["id"], note["title"], note["body"]], [note_id, title, body], "notes_read")

        async def search():
            equal(await found(), [note_id], "notes_search")

        async def preview():
            shown = (await self.structured("notes_delete", {"id": note_id}))["structuredContent"]
            equal(shown["preview"]["whole"], True, "preview")
            effects = [[effect["effect"], effect["capability"]] for effect in shown["preview"]["effects"]]
            equal(effects, [["kv.delete", "notebook"]], "previewed effects")
            equal(await found(), [note_id], "notes_search after the preview")
            return shown["confirmation"]

        async def delete():
            confirmed = {"id": note_id, "confirmation": confirmation}
            deleted = (await self.structured("notes_delete", confirmed))["structuredContent"]
            equal(deleted, {"id": note_id, "title": title}, "notes_delete")
            equal((await self.session.call_tool("notes_delete", confirmed)).get("isError"), True, "it was confirmed twice")
            equal(await found(), [], "notes_search after notes_delete")
            equal((await self.session.call_tool("notes_read", {"id": note_id})).get("isError"), True, "it can still be read")

        await self.check("notes_read gives it back", read)
        await self.check("notes_search finds it and no other", search)
        confirmation = await self.check("notes_delete shows first what it would do, and does nothing", preview)
        await self.check("notes_delete removes it when that is confirmed, and once", delete)


def numbers(value):
    """The value with every number as a float."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
