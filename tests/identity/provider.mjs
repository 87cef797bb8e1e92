// A real identity provider on loopback: `oidc-provider`, with what a test or an example has to be able to do with one, over
// the lines of its stdin. It ends with its stdin, so that nobody has to look for it. Usage: README.md.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { signed } from "./sign.mjs";
import { storage } from "./storage.mjs";
import Provider, { errors } from "oidc-provider";

// Stdout is for answers; the library says there what a person has to know who puts it into production.
console.log = console.info = console.warn = console.error;

const INTROSPECTION = "portcullis";
const ALGORITHMS = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }] };

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    scopes: { type: "string", default: "" },
    introspection: { type: "string", default: randomBytes(24).toString("base64url") },
  },
});

/** What may be asked for: a resource's URL, and how its tokens are made. */
const resources = new Map();
/** Who there is; somebody else may sign in too, and has no groups. */
const accounts = new Map();
/** How often each path was asked for, and what a person would like to see of it. */
let counts = {};
/** The keys that are published, newest first; one of each algorithm is in use. */
let published = fresh();
let inUse = published;
let serve = (request, response) => response.writeHead(503).end();

const adapter = storage();
const cookies = [randomBytes(32).toString("base64url")];
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://provider");
  counts[pathname] = (counts[pathname] ?? 0) + 1;
  serve(request, response);
});

function fresh() {
  return Object.entries(ALGORITHMS).map(([alg, [type, how]]) => {
    const { privateKey } = generateKeyPairSync(type, how);
    return { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: `${alg}-${randomBytes(6).toString("hex")}` };
  });
}

const signing = (alg) => inUse.find((key) => key.alg === alg);

function provider(issuer) {
  return new Provider(issuer, {
    adapter,
    jwks: { keys: [...new Set([...inUse, ...published])] },
    cookies: { keys: cookies },
    clients: [
      {
        client_id: INTROSPECTION,
        client_secret: options.introspection,
        token_endpoint_auth_method: "client_secret_basic",
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
    ],
    pkce: { required: () => true },
    // All that a client may register for: the official one registers with every scope that a host has.
    scopes: ["openid", "offline_access", ...options.scopes.split(" ").filter((scope) => scope !== "")],
    responseTypes: ["code"],
    clientBasedCORS: () => false,
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    extraTokenClaims: (_, { accountId }) => {
      const groups = accounts.get(accountId)?.groups;
      return groups === undefined ? undefined : { groups };
    },
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_, client) => client.clientId === INTROSPECTION },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(_, indicator) {
          const resource = resources.get(indicator);
          if (resource === undefined) throw new errors.InvalidTarget();
          const { scopes, ttl, alg, opaque } = resource;
          const form = opaque
            ? { accessTokenFormat: "opaque" }
            : { accessTokenFormat: "jwt", jwt: { sign: { alg, kid: signing(alg).kid } } };
          return { scope: scopes.join(" "), audience: indicator, accessTokenTTL: ttl, ...form };
        },
      },
    },
    ttl: { AccessToken: (_, token) => token.resourceServer?.accessTokenTTL ?? 600, Session: 3600, Interaction: 600, Grant: 86_400, IdToken: 600, RefreshToken: 86_400 },
    rotateRefreshToken: true,
  });
}

const listen = (port) =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve(port);
    });
  });

/** Listens somewhere. Not where the system takes ports for connections: this one has to be free again after `down`. */
async function somewhere() {
  for (let tries = 0; ; tries++) {
    try {
      return await listen(20_000 + Math.floor(Math.random() * 12_000));
    } catch (error) {
      if (error.code !== "EADDRINUSE" || tries === 100) throw error;
    }
  }
}

const commands = {
  /** A resource that tokens can be asked for: `url`, `scopes`; `alg`, `ttl` in seconds, `opaque`. */
  resource: ({ url, scopes, alg = "RS256", ttl = 600, opaque = false }) => void resources.set(url, { scopes, alg, ttl, opaque }),
  /** What the claim `groups` says of somebody. */
  account: ({ name, groups }) => void accounts.set(name, { groups }),
  /** Other keys sign from now on. With `keep` those before them stay published. */
  rotate({ keep = true }) {
    inUse = fresh();
    published = keep ? [...inUse, ...published] : inUse;
    serve = provider(issuer).callback();
    return { keys: published.map(({ kid }) => kid) };
  },
  /** Nobody listens any more; connections that are open end. */
  down: () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  /** Listens again, where it did. */
  up: () => listen(port).then(() => undefined),
  /** Requests so far, by path. */
  counts: () => counts,
  /** Begins anew with counting. */
  forget: () => void (counts = {}),
  /** Signs what no provider in its right mind would: `header` and `claims` go over those of a good token. */
  sign: ({ header = {}, claims = {}, alg = "RS256" }) => {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: issuer, sub: "alice", client_id: "by-hand", iat: now, exp: now + 600, jti: randomBytes(12).toString("hex") };
    const key = signing(alg);
    return { token: signed(key, { alg, typ: "at+jwt", kid: key.kid, ...header }, { ...good, ...claims }) };
  },
};

const port = options.port === "0" ? await somewhere() : await listen(Number(options.port));
// A name, because the host fetches from names only; without TLS it does from this one alone.
const issuer = `http://localhost:${port}`;
serve = provider(issuer).callback();

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ issuer, introspection: { client_id: INTROSPECTION, secret: options.introspection } });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const { do: what, ...arguments_ } = JSON.parse(line);
    if (!Object.hasOwn(commands, what)) throw new Error(`there is no command \`${what}\``);
    say((await commands[what](arguments_)) ?? {});
  } catch (error) {
    say({ error: error.message });
  }
}
process.exit(0);
