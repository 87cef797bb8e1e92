// What the official TypeScript client asks of an application that signs a person in: to keep what it is given, and to open a
// browser. The browser here is `browser.mjs`.

import { Browser } from "./browser.mjs";
import { CALLBACK } from "./flow.mjs";

/** An `OAuthClientProvider` of the official client, for one person and one server. */
export class Person {
  #browser = new Browser();
  #kept = {};
  #told;
  #saw;
  /** Where the browser was sent, each time. */
  sent = [];

  constructor(user, saw = () => {}) {
    this.user = user;
    this.#saw = saw;
  }

  get redirectUrl() {
    return CALLBACK;
  }

  get clientMetadata() {
    return {
      client_name: "Portcullis example client",
      redirect_uris: [CALLBACK],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      application_type: "native",
    };
  }

  state() {
    return (this.#kept.state = crypto.randomUUID());
  }

  clientInformation = () => this.#kept.client;
  saveClientInformation = (client) => void (this.#kept.client = client);
  tokens = () => this.#kept.tokens;
  saveTokens = (tokens) => void (this.#kept.tokens = tokens);
  codeVerifier = () => this.#kept.verifier;
  saveCodeVerifier = (verifier) => void (this.#kept.verifier = verifier);
  discoveryState = () => this.#kept.discovery;
  saveDiscoveryState = (discovery) => void (this.#kept.discovery = discovery);

  invalidateCredentials(what) {
    const names = { all: ["client", "tokens", "verifier", "discovery"], client: ["client"], tokens: ["tokens"], verifier: ["verifier"], discovery: ["discovery"] };
    for (const name of names[what]) delete this.#kept[name];
  }

  /** The client leaves for the browser. */
  async redirectToAuthorization(url) {
    this.sent.push(url);
    this.#told = await this.#browser.authorize(url, { user: this.user, callback: CALLBACK, saw: this.#saw });
  }

  /** The browser comes back to the client: what it was told goes to the transport. */
  async finish(transport) {
    const told = this.#told;
    if (told === undefined) throw new Error("nobody was sent to a browser");
    this.#told = undefined;
    if (told.get("state") !== this.#kept.state) throw new Error("the answer is to another question");
    await transport.finishAuth(told);
  }
}
