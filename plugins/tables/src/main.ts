// Questions about a CSV table. The tools' names, descriptions and schemas are in plugin.toml.

import { definePlugin } from "@portcullis/plugin";
import { aggregate } from "./aggregate.ts";
import { describe } from "./describe.ts";
import { filter } from "./filter.ts";

export default definePlugin({ tools: { describe, filter, aggregate } });
