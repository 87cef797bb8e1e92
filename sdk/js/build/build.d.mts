/** What to build. */
export interface BuildOptions {
  /** Path of the manifest; the other paths are relative to its folder. */
  manifest: string;
  /** The entry module; `src/main.ts` or `src/main.js` when left out. */
  entry?: string;
  /** "clock" and "random", if the plugin needs the host's. */
  extras?: string[];
}

/** What was built. */
export interface Built {
  file: string;
  bytes: number;
  imports: string[];
  ms: number;
}

/** Builds the component that the manifest names, beside the manifest. */
export function build(options: BuildOptions): Promise<Built>;
