// A person at a browser: follows redirects, keeps cookies, fills in the forms of the provider, and stops where the browser would
// leave for the client. No page's script is run; the pages of the provider have none.

const LONGEST_WAY = 20;

/** One browser with its cookies: who has signed in stays signed in. */
export class Browser {
  #cookies = [];

  /**
   * Opens `url`, signs in as `user` and agrees, or with `agree: false` does not; gives what the client is told, which is the
   * query of the address that begins with `callback`. `saw` is called with what the person sees: `{ page, asked }`.
   */
  async authorize(url, { user, callback, agree = true, saw = () => {} }) {
    let next = { url: new URL(url) };
    for (let step = 0; step < LONGEST_WAY; step++) {
      if (next.url.href.startsWith(callback)) return next.url.searchParams;
      const response = await this.#open(next);
      const location = response.headers.get("location");
      if (location !== null) {
        await response.body?.cancel();
        next = { url: new URL(location, next.url) };
        continue;
      }
      const page = await response.text();
      if (!response.ok) throw new Error(`${next.url.pathname}: ${response.status} ${said(page)}`);
      next = this.#fill(page, next.url, { user, agree, saw });
    }
    throw new Error(`no end after ${LONGEST_WAY} pages`);
  }

  #fill(page, at, { user, agree, saw }) {
    const action = /<form[^>]* action="([^"]*)"/.exec(page)?.[1];
    if (action === undefined) throw new Error(`${at.pathname} has no form: ${said(page)}`);
    const url = new URL(unescaped(action), at);
    if (page.includes('name="login"')) {
      saw({ page: "sign-in", asked: [] });
      return { url, form: { prompt: "login", login: user, password: "anything" } };
    }
    saw({ page: "consent", asked: items(page) });
    if (agree) return { url, form: { prompt: "consent" } };
    const abort = /<a href="([^"]*\/abort)"/.exec(page)?.[1];
    if (abort === undefined) throw new Error("there is no way to say no");
    return { url: new URL(unescaped(abort), at) };
  }

  async #open({ url, form }) {
    const cookie = this.#cookies.filter((one) => url.pathname.startsWith(one.path)).map(({ name, value }) => `${name}=${value}`);
    const response = await fetch(url, {
      method: form === undefined ? "GET" : "POST",
      redirect: "manual",
      headers: { accept: "text/html", ...(cookie.length > 0 ? { cookie: cookie.join("; ") } : {}) },
      body: form === undefined ? undefined : new URLSearchParams(form),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const attribute = (name) => attributes.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
    const one = { name: pair.slice(0, at), value: pair.slice(at + 1), path: attribute("path") ?? "/" };
    this.#cookies = this.#cookies.filter(({ name, path }) => name !== one.name || path !== one.path);
    const expires = attribute("expires");
    if (one.value !== "" && (expires === undefined || new Date(expires) > new Date())) this.#cookies.push(one);
  }
}

/** The provider's pages escape for HTML; in an address only these two can stand. */
const unescaped = (text) => text.replaceAll("&amp;", "&").replaceAll("&#x2F;", "/");

/** The scopes that a consent page lists: the innermost items. */
const items = (page) => [...page.matchAll(/<li>([^<]*)<\/li>/g)].map(([, text]) => text.trim());

/** What an error page says, without its clothes. */
const said = (page) => page.replaceAll(/<style[\s\S]*?<\/style>|<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
