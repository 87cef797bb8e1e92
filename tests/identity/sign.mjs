// A signed token, of whatever header and claims: for what a provider would never sign.

import { createPrivateKey, sign } from "node:crypto";

const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** `key` is a private JWK of RS256 or ES256. A claim that is `undefined` or `null` is left out. */
export function signed(key, header, claims) {
  const kept = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined && value !== null));
  const text = `${part(header)}.${part(kept)}`;
  const how = { key: createPrivateKey({ key, format: "jwk" }), ...(key.kty === "EC" ? { dsaEncoding: "ieee-p1363" } : {}) };
  return `${text}.${sign("sha256", Buffer.from(text), how).toString("base64url")}`;
}
