/** Write Portcullis plugins in TypeScript. Start at {@link definePlugin}. */
export { answer, Answer, type AnswerParts, type Content, type Result } from "./answer.ts";
export { KvError, SandboxError, ToolError, type KvErrorCode } from "./errors.ts";
export { bytes, json, Kv, text, type Codec, type ListOptions, type Page } from "./kv.ts";
export { definePlugin, type Caller, type Context, type Handler, type Log, type Plugin } from "./plugin.ts";
