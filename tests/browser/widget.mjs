// Renders a widget as an MCP Apps host does, in a sandboxed frame under exactly the policy that is served, and says what it did.
//
//   node widget.mjs --input FILE --out FOLDER --cache FOLDER
//
// FILE is JSON: `contents` (of resources/read), `input` and `result` (of tools/call). Prints one line of JSON.

import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { start } from "./chromium.mjs";

/** Only a test that fails waits for so long. */
const PATIENCE = 60_000;

const { values } = parseArgs({ options: { input: { type: "string" }, out: { type: "string" }, cache: { type: "string" } } });
const { contents, input, result } = JSON.parse(readFileSync(values.input, "utf8"));
mkdirSync(values.out, { recursive: true });

/** As the specification of 2026-01-26 words it; without `csp` nothing can be reached. */
function policy(csp) {
  const list = (origins) => (origins ?? []).map((origin) => ` ${origin}`).join("");
  const { connectDomains, resourceDomains, frameDomains, baseUriDomains } = csp ?? {};
  return [
    "default-src 'none'",
    `script-src 'self' 'unsafe-inline'${list(resourceDomains)}`,
    `style-src 'self' 'unsafe-inline'${list(resourceDomains)}`,
    csp === undefined ? "connect-src 'none'" : `connect-src 'self'${list(connectDomains)}`,
    `img-src 'self' data:${list(resourceDomains)}`,
    `font-src 'self'${list(resourceDomains)}`,
    `media-src 'self' data:${list(resourceDomains)}`,
    frameDomains?.length > 0 ? `frame-src${list(frameDomains)}` : "frame-src 'none'",
    "object-src 'none'",
    baseUriDomains?.length > 0 ? `base-uri${list(baseUriDomains)}` : "base-uri 'self'",
  ].join("; ");
}

/** Tells of each violation, and reaches for another origin in the ways that a page has. */
function reaching(html, origin) {
  const code = `
    addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
      parent.postMessage({ jsonrpc: "2.0", method: "test/violation", params: { effectiveDirective, blockedURI } }, "*"));
    const ended = (way) => new Promise((resolve) => { way(resolve); });
    const element = (name, attributes) => ended((resolve) => {
      const made = document.createElement(name);
      made.onload = made.onerror = resolve;
      Object.assign(made, attributes);
      document.head.append(made);
    });
    Promise.allSettled([
      fetch("${origin}/fetch", { mode: "no-cors" }),
      element("img", { src: "${origin}/img" }),
      element("script", { src: "${origin}/script" }),
      element("link", { rel: "stylesheet", href: "${origin}/style" }),
    ]).then(() => parent.postMessage({ jsonrpc: "2.0", method: "test/reached" }, "*"));`;
  return html.replace("</body>", `<script>${code}</script></body>`);
}

function listen(answer) {
  const server = createServer(answer);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve([server, `http://127.0.0.1:${server.address().port}`])));
}

// Another origin, which counts who asks it.
const asked = [];
const [elsewhere, other] = await listen((request, response) => {
  asked.push(request.url);
  response.writeHead(200, { "content-type": "text/plain", "access-control-allow-origin": "*" }).end();
});

const html = contents.text;
const csp = policy(contents._meta?.ui?.csp);
const own = { "/widget": [html, csp], "/reaching": [reaching(html, other), csp], "/unbound": [reaching(html, other), undefined] };
const page = readFileSync(fileURLToPath(new URL("host.html", import.meta.url)), "utf8");
const [host, origin] = await listen(({ url }, response) => {
  const path = url.split("?")[0];
  const [body, policy] = path === "/" ? [page] : (own[path] ?? []);
  if (body === undefined) return response.writeHead(404).end();
  const type = { "content-type": path === "/" ? "text/html" : "text/html; charset=utf-8" };
  return response.writeHead(200, policy === undefined ? type : { ...type, "content-security-policy": policy }).end(body);
});

const { browser, close, product } = await start(values.cache);
const failed = setTimeout(() => browser.end(new Error(`nothing happened within ${PATIENCE / 1000} s`)), PATIENCE);

/** One view in a page of its own. */
async function open(path, theme) {
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
  const contexts = [];
  const problems = [];
  const sessions = new Set([sessionId]);
  browser.on((method, params, session) => {
    if (!sessions.has(session)) return;
    if (method === "Target.attachedToTarget") {
      sessions.add(params.sessionId);
      for (const domain of ["Runtime.enable", "Log.enable"]) browser.send(domain, {}, params.sessionId).catch(() => {});
    }
    if (method === "Runtime.executionContextCreated") contexts.push({ session, id: params.context.id, origin: params.context.origin });
    if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(params.entry.text);
  });
  const on = (method, params, session = sessionId) => browser.send(method, params, session);
  // A frame without an origin may get a process of its own.
  await on("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
  for (const domain of ["Page.enable", "Runtime.enable", "Log.enable"]) await on(domain, {});
  await on("Emulation.setDeviceMetricsOverride", { width: 720, height: 900, deviceScaleFactor: 1, mobile: false });
  const given = encodeURIComponent(JSON.stringify({ theme, input, result, page: path }));
  await on("Page.navigate", { url: `${origin}/#${given}` });

  const evaluate = async (expression, context) => {
    const where = context === undefined ? {} : { contextId: context.id };
    const asked = { expression, returnByValue: true, awaitPromise: true, ...where };
    const { result, exceptionDetails } = await on("Runtime.evaluate", asked, context?.session);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  /** Asks again and again until the answer is true. */
  const until = async (what, expression, context) => {
    const tries = async () => {
      try {
        return await evaluate(expression, typeof context === "function" ? await context() : context);
      } catch (error) {
        if (/Execution context|Cannot find context|not defined|no frame yet/.test(error.message)) return false;
        throw error;
      }
    };
    const last = Date.now() + PATIENCE / 2;
    while (!(await tries())) {
      if (Date.now() > last) throw new Error(`${path}: ${what} did not happen; heard ${JSON.stringify(await evaluate("heard"))}, ${problems.join("; ")}`);
      await evaluate("new Promise(requestAnimationFrame)");
    }
  };
  /** The view's own world. */
  const view = async () => {
    for (const context of contexts.toReversed()) {
      try {
        if (await evaluate(`location.pathname === ${JSON.stringify(path)} && parent !== self`, context)) return context;
      } catch {
        // Of a page that is gone.
      }
    }
    throw new Error("no frame yet");
  };
  const picture = async (name) => {
    const { data } = await on("Page.captureScreenshot", { format: "png" });
    const file = join(values.out, name);
    writeFileSync(file, Buffer.from(data, "base64"));
    return file;
  };
  const key = async (key, code) => {
    const text = key === "Enter" ? { text: "\r" } : {};
    await on("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, windowsVirtualKeyCode: code, ...text });
    await on("Input.dispatchKeyEvent", { type: "keyUp", key, code: key, windowsVirtualKeyCode: code });
  };
  return { evaluate, until, view, picture, key, problems, heard: () => evaluate("heard") };
}

const DRAWN = `(() => ({
  status: document.getElementById("status").textContent,
  theme: document.documentElement.dataset.theme,
  ground: getComputedStyle(document.body).backgroundColor,
  origin: self.origin,
  role: document.getElementById("status").getAttribute("role"),
  results: [...document.querySelectorAll("li")].map((row) => ({
    title: row.querySelector("a").textContent,
    url: row.querySelector("a").href,
    lines: [...row.querySelectorAll("p")].map((line) => line.textContent),
    height: row.getBoundingClientRect().height,
  })),
}))()`;

async function drawn(theme) {
  const page = await open("/widget", theme);
  await page.until("the view is ready", "heard.some(({ method }) => method === 'ui/notifications/initialized')");
  await page.until("results are drawn", "document.querySelectorAll('li').length > 0", page.view);
  await page.until("its size is said", "heard.some(({ method, params }) => method === 'ui/notifications/size-changed' && params.height > 300)");
  const seen = await page.evaluate(DRAWN, await page.view());
  const picture = await page.picture(`docs-results-${theme}.png`);
  // With nothing but keys: into the frame, to its first link, and open it.
  await page.evaluate("frame.focus()");
  await page.key("Tab", 9);
  await page.until("the first link has the focus", "document.activeElement === document.querySelector('li a')", page.view);
  await page.key("Enter", 13);
  await page.until("a link is asked to be opened", "heard.some(({ method }) => method === 'ui/open-link')");
  return { ...seen, picture, heard: await page.heard(), problems: page.problems };
}

async function reached(path) {
  const before = asked.length;
  const page = await open(path, "light");
  await page.until("it has tried", "heard.some(({ method }) => method === 'test/reached')");
  const heard = await page.heard();
  const violations = heard.filter(({ method }) => method === "test/violation").map(({ params }) => params);
  return { requests: asked.slice(before), violations };
}

try {
  const report = {
    product,
    policy: csp,
    elsewhere: other,
    light: await drawn("light"),
    dark: await drawn("dark"),
    bound: await reached("/reaching"),
    unbound: await reached("/unbound"),
  };
  console.log(JSON.stringify(report));
} finally {
  clearTimeout(failed);
  await close();
  host.close();
  elsewhere.close();
  host.closeAllConnections();
  elsewhere.closeAllConnections();
}
