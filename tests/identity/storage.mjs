// What a provider remembers: sessions, grants, clients, codes and tokens. In memory and outside of the provider itself, so
// that a provider with other keys goes on with what the one before it knew.

const ALIKE = new Set(["AccessToken", "AuthorizationCode", "RefreshToken", "DeviceCode", "BackchannelAuthenticationRequest"]);

/** What `oidc-provider` takes as `adapter`: each kind of thing gets its own view on one store. */
export function storage() {
  const kept = new Map();
  const live = (key) => {
    const entry = kept.get(key);
    if (entry !== undefined && entry.until <= Date.now()) kept.delete(key);
    return kept.get(key)?.payload;
  };
  const search = (wanted) => {
    for (const key of kept.keys()) {
      const payload = live(key);
      if (payload !== undefined && wanted(payload, key)) return payload;
    }
    return undefined;
  };
  return (kind) => ({
    async upsert(id, payload, seconds) {
      const until = seconds === undefined ? Infinity : Date.now() + seconds * 1000;
      kept.set(`${kind}:${id}`, { payload, until });
    },
    find: async (id) => live(`${kind}:${id}`),
    findByUid: async (uid) => search((payload, key) => key.startsWith(`${kind}:`) && payload.uid === uid),
    findByUserCode: async (code) => search((payload, key) => key.startsWith(`${kind}:`) && payload.userCode === code),
    async consume(id) {
      const payload = live(`${kind}:${id}`);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => void kept.delete(`${kind}:${id}`),
    async revokeByGrantId(grant) {
      for (const [key, { payload }] of kept) {
        if (ALIKE.has(key.slice(0, key.indexOf(":"))) && payload.grantId === grant) kept.delete(key);
      }
    },
  });
}
