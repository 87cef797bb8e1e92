// A headless Chromium: the machine's own, or the one that an npm package carries in itself. It is spoken to over a pipe, so
// that no port is open and nothing but Node is needed.

import { spawn, spawnSync } from "node:child_process";
import { createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome-headless-shell"];
const PACKED = join(dirname(fileURLToPath(import.meta.url)), "node_modules/@sparticuz/chromium/bin");

/** The program, and the environment that it needs. `cache` is where a packed one is unpacked, once. */
async function find(cache) {
  const given = process.env.PORTCULLIS_CHROMIUM;
  if (given) return { program: given, env: {} };
  const path = (process.env.PATH ?? "").split(delimiter);
  const found = NAMES.flatMap((name) => path.map((folder) => join(folder, name))).find((file) => existsSync(file));
  if (found) return { program: found, env: {} };
  if (!existsSync(PACKED)) {
    throw new Error(
      "there is no Chromium: install one (`apt-get install chromium`), name one in PORTCULLIS_CHROMIUM, " +
        "or get the one that npm has: `npm ci` in tests/browser",
    );
  }
  const folder = join(cache, "chromium");
  if (!existsSync(folder)) await unpack(folder);
  const libraries = [join(folder, "al2023/lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return { program: join(folder, "chromium"), env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: join(folder, "fonts") } };
}

/** Beside its place first, so that nobody finds half of it; who comes second has done it in vain. */
async function unpack(folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const part = mkdtempSync(`${folder}-`);
  const plain = async (name, out, mode) =>
    pipeline(createReadStream(join(PACKED, name)), createBrotliDecompress(), createWriteStream(join(part, out), { mode }));
  await plain("chromium.br", "chromium", 0o755);
  for (const [name, inside] of [["al2023", "al2023"], ["fonts", "."], ["swiftshader", "."]]) {
    await plain(`${name}.tar.br`, `${name}.tar`, 0o644);
    mkdirSync(join(part, inside), { recursive: true });
    const ran = spawnSync("tar", ["-xf", join(part, `${name}.tar`), "-C", join(part, inside)]);
    if (ran.status !== 0) throw new Error(`tar of ${name}: ${ran.stderr}`);
    rmSync(join(part, `${name}.tar`));
  }
  try {
    renameSync(part, folder);
  } catch {
    rmSync(part, { recursive: true });
  }
}

/** Starts it; what it says goes to `log` if something is wrong. Ends with the process that started it, at the latest. */
export async function start(cache) {
  const { program, env } = await find(cache);
  const profile = mkdtempSync(join(tmpdir(), "portcullis-chromium-"));
  const child = spawn(
    program,
    [
      "--headless=new",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      // It shows nothing but these tests' own pages, and its own sandbox needs what containers and root don't have. What is
      // tested here, the frame's sandbox and the page's policy, it enforces all the same.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-component-update",
      "--disable-background-networking",
      "--disable-extensions",
      // Nothing but this machine is asked for, not even by name.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      "--hide-scrollbars",
      "about:blank",
    ],
    { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], env: { ...process.env, ...env } },
  );
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  const browser = new Browser(child.stdio[3], child.stdio[4]);
  const gone = (why) => browser.end(new Error(`${program} ${why}\n${said}`));
  child.on("error", (error) => gone(`can't be started: ${error.message}`));
  child.on("exit", (code, signal) => gone(`has ended: ${code ?? signal}`));
  const exited = new Promise((resolve) => child.on("close", resolve));
  const close = async () => {
    child.kill("SIGKILL");
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  const { product } = await browser.send("Browser.getVersion");
  return { browser, close, product };
}

/** The Chrome DevTools Protocol: JSON, each message ended by a zero byte. */
class Browser {
  #to;
  #last = 0;
  #waiting = new Map();
  #listeners = [];
  #ended;

  constructor(to, from) {
    this.#to = to;
    to.on("error", () => {});
    let rest = Buffer.alloc(0);
    from.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) this.#take(JSON.parse(rest.subarray(0, end).toString("utf8")));
    });
  }

  /** Asks; `session` is that of a page or a frame. */
  send(method, params = {}, session = undefined) {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#last;
    this.#to.write(`${JSON.stringify({ id, method, params, sessionId: session })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method }));
  }

  /** Calls `listener` with every event: method, params, session. */
  on(listener) {
    this.#listeners.push(listener);
  }

  end(error) {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take({ id, result, error, method, params, sessionId }) {
    if (id === undefined) return this.#listeners.forEach((listener) => listener(method, params, sessionId));
    const asked = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) asked?.reject(new Error(`${asked.method}: ${error.message}`));
    else asked?.resolve(result);
  }
}
