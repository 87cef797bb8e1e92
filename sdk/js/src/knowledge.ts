// The two tools by which clients search a body of documents and cite it.

import { answer, type Answer } from "./answer.ts";

/** A result of `search`. */
export interface Hit {
  /** What `fetch` takes. It has to stay good: a client may come back with it much later. */
  id: string;
  /** What the person reads. */
  title: string;
  /** Where a person can read it; it is cited. */
  url: string;
}

/** What `fetch` gives. */
export interface Document extends Hit {
  /** All of it. */
  text: string;
  /** What else is known of it, which the model reads too. */
  metadata?: Record<string, unknown>;
}

/**
 * The answer of a tool `search`, which takes `{ query: string }`: exactly the shape that ChatGPT's company knowledge and deep
 * research insist on, as structured content and as the same JSON in one text. The best result first.
 */
export function searchResults(hits: readonly Hit[], meta?: object): Answer {
  return both({ results: hits.map(({ id, title, url }) => ({ id, title, url })) }, meta);
}

/** The answer of a tool `fetch`, which takes `{ id: string }`, in the same way. */
export function fetched({ id, title, text, url, metadata }: Document, meta?: object): Answer {
  return both(metadata === undefined ? { id, title, text, url } : { id, title, text, url, metadata }, meta);
}

function both(structured: object, meta?: object): Answer {
  const content = JSON.stringify(structured);
  return answer(meta === undefined ? { content, structured } : { content, structured, meta });
}
