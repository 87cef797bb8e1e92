/** Write Portcullis plugins in TypeScript. Start at {@link definePlugin}. */
export { answer, Answer, type AnswerParts, type Content, type Contents, type Result } from "./answer.ts";
export { Assets } from "./assets.ts";
export type { NoticeLevel } from "./contract.ts";
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
export { fetched, searchResults, type Document, type Hit } from "./knowledge.ts";
export { bytes, json, Kv, text, type Codec, type ListOptions, type Page } from "./kv.ts";
export { resourceUri } from "./more.ts";
export type { Found, Message, PromptResult, Read, Suggestions, Written } from "./more.ts";
export {
  definePlugin,
  type Caller,
  type Completer,
  type Context,
  type Handler,
  type Hints,
  type Log,
  type Plugin,
  type Progress,
  type PromptHandler,
  type ResourceHandler,
} from "./plugin.ts";
export type { Field, Fields, Filled, Reply, Root, Sampled, Sampling } from "./questions.ts";
