// Copies the contract from the repository into this package, which has to carry it. A test holds both equal.

import { copyFileSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sdk } from "./esbuild.mjs";

const contract = fileURLToPath(new URL("../../../wit", import.meta.url));
const wit = (folder) => readdirSync(folder).filter((name) => name.endsWith(".wit"));

for (const name of wit(sdk("wit"))) rmSync(sdk(`wit/${name}`));
for (const name of wit(contract)) copyFileSync(`${contract}/${name}`, sdk(`wit/${name}`));
