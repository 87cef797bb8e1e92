// An OAuth client written by hand, so that each step can be made alone, or wrongly: metadata, registration, authorization with
// PKCE and a resource, code for tokens, refresh, revocation. The official client makes the same way in `ts-sign-in.mjs`.

import { createHash, randomBytes } from "node:crypto";
import { Browser } from "./browser.mjs";

/** Nobody listens there: the browser stops before it would open it. */
export const CALLBACK = "http://127.0.0.1/callback";

const random = () => randomBytes(32).toString("base64url");

/** What the issuer says of itself: first where RFC 8414 has it, then where OpenID Connect has it. */
export async function metadata(issuer) {
  for (const name of ["oauth-authorization-server", "openid-configuration"]) {
    const response = await fetch(new URL(`/.well-known/${name}`, issuer));
    if (!response.ok) continue;
    const found = await response.json();
    if (found.issuer !== issuer) throw new Error(`the metadata of ${issuer} is of ${found.issuer}`);
    if (!found.code_challenge_methods_supported?.includes("S256")) throw new Error(`${issuer} does not know PKCE with S256`);
    return found;
  }
  throw new Error(`${issuer} has no metadata`);
}

/** A client at one issuer. */
export class OAuthClient {
  constructor(found, id) {
    Object.assign(this, { found, id });
  }

  /** Registers anew (RFC 7591). */
  static async register(issuer, name = "by hand") {
    const found = await metadata(issuer);
    const { client_id: id } = await answered(found.registration_endpoint, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        client_name: name,
        application_type: "native",
        redirect_uris: [CALLBACK],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "none",
      }),
    });
    return new OAuthClient(found, id);
  }

  /** One that was registered before. */
  static async known(issuer, id) {
    return new OAuthClient(await metadata(issuer), id);
  }

  /** Sends the person to the provider; gives the code and what goes with it. */
  async authorize({ user, resource, scope, browser = new Browser(), agree, saw }) {
    const [verifier, state] = [random(), random()];
    const url = new URL(this.found.authorization_endpoint);
    const query = {
      client_id: this.id,
      response_type: "code",
      redirect_uri: CALLBACK,
      scope: `openid offline_access ${scope}`,
      prompt: "consent",
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...(resource === undefined ? {} : { resource }),
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const told = await browser.authorize(url, { user, callback: CALLBACK, agree, saw });
    if (told.get("state") !== state) throw new Error("the answer is to another question");
    if (told.get("iss") !== this.found.issuer) throw new Error(`the answer is of ${told.get("iss")}`);
    if (told.has("error")) throw new Error(`${told.get("error")}: ${told.get("error_description")}`);
    return { code: told.get("code"), verifier, resource };
  }

  /** Tokens for a code. */
  async tokens({ code, verifier, resource }) {
    return this.#token({ grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: CALLBACK, resource });
  }

  /** New tokens for a refresh token, which is used up. */
  async refresh(token, { resource, scope } = {}) {
    return this.#token({ grant_type: "refresh_token", refresh_token: token, resource, scope });
  }

  /** Takes a token back (RFC 7009); one that comes from a refresh token goes with it. */
  async revoke(token) {
    const body = new URLSearchParams({ client_id: this.id, token });
    const response = await fetch(this.found.revocation_endpoint, { method: "POST", body });
    if (!response.ok) throw new Error(`revocation: ${response.status} ${await response.text()}`);
  }

  #token(form) {
    const given = Object.entries({ client_id: this.id, ...form }).filter(([, value]) => value !== undefined);
    return answered(this.found.token_endpoint, { method: "POST", body: new URLSearchParams(given) });
  }
}

async function answered(url, request) {
  const response = await fetch(url, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(url).pathname}: ${response.status} ${text}`);
  return JSON.parse(text);
}
