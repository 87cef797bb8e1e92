/** Write Portcullis plugins in TypeScript. Start at {@link definePlugin}. */
export { answer, Answer, type AnswerParts, type Content, type Result } from "./answer.ts";
export {
  FilesError,
  HttpError,
  KvError,
  SandboxError,
  ToolError,
  type FilesErrorCode,
  type HttpErrorCode,
  type KvErrorCode,
} from "./errors.ts";
export { Files, type FileEntry, type FilePage } from "./files.ts";
export { Http, Response, type RequestOptions } from "./http.ts";
export { bytes, json, Kv, text, type Codec, type ListOptions, type Page } from "./kv.ts";
export { definePlugin, type Caller, type Context, type Handler, type Log, type Plugin } from "./plugin.ts";
export type { Field, Fields, Filled, Reply } from "./questions.ts";
