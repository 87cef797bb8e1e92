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

/** The plugin used something that its component does not have. A mistake of the author; the message says the remedy. */
export class SandboxError extends Error {
  override name = "SandboxError";
}
