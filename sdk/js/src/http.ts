// A capability of kind `http`.

import type { EgressImport, WireResponse } from "./contract.ts";
import { attempt, HttpError, SandboxError, type HttpErrorCode } from "./errors.ts";
import { decode, encode } from "./utf8.ts";

/** What a request has beside its method and URL. */
export interface RequestOptions {
  /** More segments of the path, each escaped: what stands in one never becomes another path. */
  path?: (string | number)[];
  /** `name=value` of the query, escaped. What is undefined is left out. */
  query?: Record<string, string | number | boolean | undefined>;
  /** Without the capability's secret: the host puts that in. */
  headers?: Record<string, string>;
  /** The body as JSON, and the header that says so. */
  json?: unknown;
  /** The body as it is. */
  body?: string | Uint8Array;
}

/** What came back, whatever its status. */
export class Response {
  readonly status: number;
  /** Names in lower case. Of a name that came twice, the values are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  readonly #asked: string;

  constructor(asked: string, { status, headers, body }: WireResponse) {
    this.#asked = asked;
    this.status = Number(status);
    this.bytes = body;
    const all: Record<string, string> = Object.create(null);
    for (const { name, value } of headers) all[name] = name in all ? `${all[name]}, ${value}` : value;
    this.headers = all;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** A header, by its name in any case. */
  header(name: string): string | undefined {
    return this.headers[name.toLowerCase()];
  }

  /** This answer if it is {@link ok}; or else throws {@link HttpError} with the status and the beginning of the body. */
  success(): this {
    if (this.ok) return this;
    const said = [...decode(this.bytes).trim()];
    const quoted = said.length > 300 ? `${said.slice(0, 300).join("")}…` : said.join("");
    const text = `${this.#asked} was answered with status ${this.status}${quoted === "" ? "." : `: ${quoted}`}`;
    throw new HttpError("status", text, this.status);
  }

  /** The body as UTF-8. */
  text(): string {
    return this.#read(() => decode(this.bytes, true));
  }

  /** The body read as JSON. */
  json<T = any>(): T {
    return this.#read(() => JSON.parse(decode(this.bytes, true)) as T);
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw new HttpError("not-readable", `The answer to ${this.#asked} can't be read: ${(error as Error).message}`);
    }
  }
}

/**
 * Requests with one capability, done by the host. `get` and its like, and `send`, need `uses = ["NAME:write"]`, because an
 * address carries data out, and throw {@link HttpError} where there is no answer. A status such as 404 is an answer.
 *
 * In a preview nothing leaves the host: then they throw, and the person is told that the preview is not whole. A tool that
 * can go on without the answer uses {@link sendOrRecord}, so that its preview is.
 */
export class Http {
  readonly #host: EgressImport;
  readonly #capability: string;

  constructor(host: EgressImport, capability: string) {
    this.#host = host;
    this.#capability = capability;
  }

  get(url: string, options?: RequestOptions): Response {
    return this.send("GET", url, options);
  }

  head(url: string, options?: RequestOptions): Response {
    return this.send("HEAD", url, options);
  }

  post(url: string, options?: RequestOptions): Response {
    return this.send("POST", url, options);
  }

  put(url: string, options?: RequestOptions): Response {
    return this.send("PUT", url, options);
  }

  patch(url: string, options?: RequestOptions): Response {
    return this.send("PATCH", url, options);
  }

  delete(url: string, options?: RequestOptions): Response {
    return this.send("DELETE", url, options);
  }

  /** A request of any method. */
  send(method: string, url: string, options?: RequestOptions): Response {
    return needed(this.#exchange("send", method, url, options));
  }

  /** As {@link send}, for a tool that can go on without the answer. undefined: this call is a preview. */
  sendOrRecord(method: string, url: string, options?: RequestOptions): Response | undefined {
    const answer = this.#exchange("send", method, url, options);
    return typeof answer === "string" ? undefined : answer;
  }

  /** A `GET` to an origin that the operator's `[boundary]` calls inside. `uses = ["NAME:read"]` is enough. */
  read(url: string, options?: RequestOptions): Response {
    return needed(this.#exchange("read", "GET", url, options));
  }

  /** The answer, or what was asked where that was only recorded. */
  #exchange(way: "read" | "send", method: string, base: string, options: RequestOptions = {}): Response | string {
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => ({ name: name.toLowerCase(), value }));
    let body: Uint8Array | null = null;
    if (options.json !== undefined) {
      if (options.body !== undefined) throw new SandboxError("A request has `json` or `body`, not both.");
      body = encode(JSON.stringify(options.json));
      headers.push({ name: "content-type", value: "application/json" });
    } else if (options.body !== undefined) {
      body = typeof options.body === "string" ? encode(options.body) : options.body;
    }
    const url = withQuery(withPath(base, options.path ?? []), options.query ?? {});
    const reply = attempt(
      () => this.#host[way](this.#capability, { method, url, headers, body }),
      (code, message) => new HttpError(code as HttpErrorCode, message),
    );
    return reply.tag === "recorded" ? asked(method, url) : new Response(asked(method, url), reply.val);
  }
}

function needed(answer: Response | string): Response {
  if (typeof answer !== "string") return answer;
  throw new HttpError("recorded", `In a preview nothing is sent, and this tool needs the answer to ${answer} to go on.`);
}

/** A request in words for an error: without its query, which may be long and the person's own. */
function asked(method: string, url: string): string {
  return `${method} ${url.split("?")[0]}`;
}

function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function withPath(url: string, segments: (string | number)[]): string {
  return segments.reduce<string>((path, segment) => {
    const text = String(segment);
    // The host refuses these too; here it is known which value was the cause.
    if (text === "" || text === "." || text === ".." || /[/\\;%]/.test(text)) {
      const message = `\`${text}\` can't stand in a path: give one that is not empty, has no / \\ ; % and is no dots.`;
      throw new HttpError("bad-request", message);
    }
    return `${path}${path.endsWith("/") ? "" : "/"}${escape(text)}`;
  }, url);
}

function withQuery(url: string, query: NonNullable<RequestOptions["query"]>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = pairs.map(([name, value]) => `${escape(name)}=${escape(String(value))}`).join("&");
  return text === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${text}`;
}
