/**
 * A tool could not do what was asked, for a reason that the model can read and perhaps mend. Throw it with a message
 * that says what was wrong and what would be right. Everything the call wrote is dropped.
 */
export class ToolError extends Error {
  override name = "ToolError";
}

/** Why the host did not do what was asked of a capability. */
export type KvErrorCode = "not-granted" | "needs-user" | "bad-key" | "over-quota" | "unavailable";

/** A kv request that was not done; nothing was changed. The message is the host's and says what would allow it. */
export class KvError extends ToolError {
  override name = "KvError";
  readonly code: KvErrorCode;

  constructor(code: KvErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Why there is no response: the host's reasons, and three that the SDK has. */
export type HttpErrorCode =
  | "not-granted"
  | "bad-request"
  | "refused"
  | "over-limit"
  | "unreachable"
  | "bad-response"
  /** This call is a preview: the request was recorded, and the tool cannot go on without its answer. */
  | "recorded"
  /** The answer has a status that says no. */
  | "status"
  /** The answer is not the text or the JSON that was expected. */
  | "not-readable";

/** A request without a response, or with one that does not help. */
export class HttpError extends ToolError {
  override name = "HttpError";
  readonly code: HttpErrorCode;
  /** With code `status`: the status. */
  readonly status?: number;

  constructor(code: HttpErrorCode, message: string, status?: number) {
    super(message);
    this.code = code;
    if (status !== undefined) this.status = status;
  }
}

/** Why the host did not do what was asked of a folder. */
export type FilesErrorCode = "not-granted" | "needs-user" | "bad-name" | "over-quota" | "unavailable";

/** A request to a folder that was not done; nothing was changed. The message is the host's. */
export class FilesError extends ToolError {
  override name = "FilesError";
  readonly code: FilesErrorCode;

  constructor(code: FilesErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a host call; the WIT error that it throws becomes what `wrap` makes of it. */
export function attempt<R>(call: () => R, wrap: (code: string, message: string) => Error): R {
  try {
    return call();
  } catch (thrown) {
    const payload = (thrown as { payload?: { tag?: unknown; val?: unknown } } | null)?.payload;
    if (typeof payload?.tag !== "string") throw thrown;
    throw wrap(payload.tag, String(payload.val));
  }
}

/** The plugin used something that its component does not have. A mistake of the author; the message says the remedy. */
export class SandboxError extends Error {
  override name = "SandboxError";
}
