// One way to tokens, or on with them, as a command: prints a line of JSON. Usage: README.md.

import { parseArgs } from "node:util";
import { OAuthClient } from "./flow.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    issuer: { type: "string" },
    client: { type: "string" },
    user: { type: "string" },
    resource: { type: "string" },
    scope: { type: "string", default: "" },
    token: { type: "string" },
  },
});
const { issuer, resource, scope } = values;
const client = () => (values.client === undefined ? OAuthClient.register(issuer) : OAuthClient.known(issuer, values.client));

const ways = {
  async "sign-in"() {
    const one = await client();
    return { client_id: one.id, ...(await one.tokens(await one.authorize({ user: values.user, resource, scope }))) };
  },
  async refresh() {
    const one = await client();
    return { client_id: one.id, ...(await one.refresh(values.token, { resource, scope: scope || undefined })) };
  },
  async revoke() {
    await (await client()).revoke(values.token);
    return {};
  },
};

try {
  const way = ways[positionals[0]];
  if (way === undefined) throw new Error(`${positionals[0]}: there is ${Object.keys(ways).join(", ")}`);
  console.log(JSON.stringify(await way()));
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exit(1);
}
