"""The official Python client against a running host. Usage: README.md."""

import argparse
import asyncio
import json
import sys
import traceback

import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from checks import Checks

REVISION = "2026-07-28"


class Session:
    """The client's models, back as the JSON that was on the wire."""

    def __init__(self, client):
        self.client = client

    async def list_tools(self):
        tools, cursor = [], None
        while True:
            page = await self.client.list_tools(cursor=cursor)
            tools += [wire(tool) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return tools

    async def call_tool(self, name, arguments):
        return wire(await self.client.call_tool(name, arguments))


def wire(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url")
    where.add_argument("--stdio", type=json.loads, metavar="JSON", help='the host\'s command line, ["host", "stdio", ...]')
    parser.add_argument("--era", choices=["legacy", "auto", "modern", REVISION], default="auto")
    parser.add_argument("--bearer", help="an access token, with --url")
    return parser.parse_args()


async def run(chosen):
    if chosen.stdio is not None:
        server = StdioServerParameters(command=chosen.stdio[0], args=chosen.stdio[1:])
    elif chosen.bearer is None:
        server = chosen.url
    else:
        headers = {"authorization": f"Bearer {chosen.bearer}"}
        server = streamable_http_client(chosen.url, http_client=httpx2.AsyncClient(headers=headers, timeout=30))
    era = "modern" if chosen.era == REVISION else chosen.era
    async with Client(server, mode=REVISION if era == "modern" else era) as client:
        revision = client.protocol_version
        # A host that speaks both has to be found out as modern by a client that asks.
        modern = revision == REVISION
        assert modern == (era != "legacy"), f"--era {era} came to revision {revision}"
        checks = await Checks(Session(client)).run()
    transport = "http" if chosen.stdio is None else "stdio"
    return {"client": "python", "era": era, "transport": transport, "revision": revision, "checks": checks}


def main():
    try:
        print(json.dumps(asyncio.run(run(options())), ensure_ascii=False))
    except Exception:
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
