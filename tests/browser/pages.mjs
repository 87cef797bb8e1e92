// Says of each of many pages what a browser makes of it: how many handlers of events it found, and how many of them ran.
//
//   node pages.mjs --input FILE --cache FOLDER
//
// FILE is JSON: a list of pages, whose handlers call `parent.fired()`. Prints one line of JSON: a list, for each page `handlers`
// (attributes that are handlers, in the page and in its templates), `others` (what else runs or leads away: `http-equiv`, `srcdoc`,
// scripts from elsewhere) and `fired`.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { start } from "./chromium.mjs";

const PATIENCE = 120_000;

const { values } = parseArgs({ options: { input: { type: "string" }, cache: { type: "string" } } });
const pages = JSON.parse(readFileSync(values.input, "utf8"));

/** Runs in the browser. Each page is in a frame of its own, one after another; their parent counts. */
async function look(pages) {
  const look = (root, seen) => {
    for (const element of root.querySelectorAll("*")) {
      seen.handlers += element.getAttributeNames().filter((name) => /^on/i.test(name)).length;
      const other = element.matches("[http-equiv], [srcdoc], base, object, embed") || (element.matches("script") && element.hasAttribute("src"));
      seen.others += Number(other);
      if (element.content instanceof DocumentFragment) look(element.content, seen);
    }
    return seen;
  };
  const one = async (page) => {
    const frame = document.createElement("iframe");
    const loaded = new Promise((resolve) => (frame.onload = resolve));
    let fired = 0;
    const called = new Promise((resolve) => (self.fired = () => resolve((fired += 1))));
    frame.srcdoc = page;
    document.body.append(frame);
    // A page that says so is not done when it is there, but when it has called.
    await (page.includes("data-waits") ? called : loaded);
    const seen = look(frame.contentDocument, { handlers: 0, others: 0 });
    frame.remove();
    return { ...seen, fired };
  };
  const seen = [];
  for (const page of pages) seen.push(await one(page));
  return seen;
}

const { browser, close } = await start(values.cache);
const failed = setTimeout(() => browser.end(new Error(`not done within ${PATIENCE / 1000} s`)), PATIENCE);
try {
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
  const expression = `(${look})(${JSON.stringify(pages)})`;
  const { result, exceptionDetails } = await browser.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }, sessionId);
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  console.log(JSON.stringify(result.value));
} finally {
  clearTimeout(failed);
  await close();
}
