// The official TypeScript client against a running host. Usage: README.md.

import { main, options, runChecks } from "./checks.mjs";
import { connect } from "./ts-session.mjs";

await main(async () => {
  const { era, transport, ...where } = options();
  const client = await connect({ era, ...where });
  const checks = await runChecks({
    async listTools() {
      const tools = [];
      let cursor;
      do {
        const page = await client.listTools(cursor === undefined ? {} : { cursor });
        tools.push(...page.tools);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return tools;
    },
    callTool: (name, args) => client.callTool({ name, arguments: args }),
  });
  const revision = client.getNegotiatedProtocolVersion();
  await client.close();
  return { client: "typescript", era, transport, revision, checks };
});
