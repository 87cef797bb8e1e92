// What building and testing share: one way to bundle, and one copy of the SDK whatever path led to it.

import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";

/** A file of this package. */
export const sdk = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Resolves the SDK to this copy. `Answer` and the errors are told apart by their class, so there must be only one. */
export const oneSdk = {
  name: "one-sdk",
  setup(bundler) {
    bundler.onResolve({ filter: /^@portcullis\/plugin$/ }, () => ({ path: sdk("src/index.ts") }));
    bundler.onResolve({ filter: /^@portcullis\/plugin\/testing$/ }, () => ({ path: sdk("src/testing.ts") }));
  },
};

/** esbuild's errors as one text, with what they mean for a plugin. */
export function explain(error) {
  if (!Array.isArray(error?.errors)) return error instanceof Error ? error.message : String(error);
  return error.errors
    .map(({ text, location }) => {
      const where = location === null ? "" : `${location.file}:${location.line}: `;
      const module = /Could not resolve "(?:node:)?([^"]+)"/.exec(text)?.[1];
      const note =
        module !== undefined && builtinModules.includes(module)
          ? "\n  It belongs to Node. A plugin has no files, network or processes; use a library that needs none of them."
          : "";
      return `${where}${text}${note}`;
    })
    .join("\n");
}
