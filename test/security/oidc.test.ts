/** Login by a provider of identities: the whole way through a real one, and what somebody in between could change. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cookieName } from "../../server/api/access.ts";
import { Oidc, type OidcSettings } from "../../server/api/oidc.ts";
import { openApi, type TestApi } from "../server/api/open-api.ts";

/** What of the package is used here; it has no types of its own. */
type Provider = new (
  issuer: string,
  configuration: object,
) => { callback(): (request: object, response: object) => void };

let api: TestApi;
let server: Server;
let settings: OidcSettings;
let folder = "";
let later = 0;
const clock = {
  now: () => 0 as never,
  isoTime: () => new Date(Date.now() + later).toISOString(),
};
/** What the provider says of people. */
const groups: Record<string, unknown> = {
  ann: ["staff", "lab-admins"],
  bob: "lab-viewers",
  eve: ["students"],
  "root@campus": ["lab-operators"],
};
const returnUrl = "https://localhost/api/v1/login/oidc/return";

before(async () => {
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const require = createRequire(import.meta.url);
  const { default: provider } = require("oidc-provider") as { default: Provider };
  const { callback } = provider.prototype;
  const made = new provider(issuer, {
    clients: [
      {
        client_id: "roomcast",
        client_secret: "a secret of the client",
        redirect_uris: [returnUrl],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    cookies: { keys: ["a key of the test"] },
    pkce: { required: () => true },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: id, groups: groups[id] }),
    }),
  });
  server.on("request", callback.call(made));
  folder = await mkdtemp(join(tmpdir(), "roomcast-oidc-"));
  const clientSecretFile = join(folder, "secret");
  await writeFile(clientSecretFile, "a secret of the client\n");
  settings = {
    ...{ issuer, clientId: "roomcast", clientSecretFile, label: "Campus" },
    roles: {
      claim: "groups",
      ...{ admin: ["lab-admins"], operator: ["lab-operators"], viewer: ["lab-viewers", "staff"] },
    },
  };
  api = await openApi("tokens", { oidc: await Oidc.open(settings, clock), clock });
});
after(async () => {
  await api.close();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** A browser with its cookies of the server and of the provider. */
class Person {
  readonly jar = new Map<string, string>();
  private readonly address = `10.3.0.${++people}`;

  async own(url: string) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await api.app.inject({
      url: url.replace("https://localhost", ""),
      headers: { host: "localhost", "sec-fetch-site": "cross-site", cookie },
      remoteAddress: this.address,
    });
    for (const { name, value } of answer.cookies) {
      if (value === "") this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }

  /** Where the server sends the browser. */
  async begin(): Promise<URL> {
    const answer = await this.own("/api/v1/login/oidc");
    assert.equal(answer.statusCode, 303, answer.body);
    const set = String(answer.headers["set-cookie"]);
    assert.match(
      set,
      /^__Host-roomcast-oidc=.*; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    return new URL(String(answer.headers.location));
  }

  /** Logs in at the provider, and answers where that sends the browser: back, or nowhere. */
  async atProvider(url: URL, name: string): Promise<string | null> {
    const jar = new Map<string, string>();
    const ask = async (at: URL, form?: Record<string, string>): Promise<Response> => {
      const answer = await fetch(at, {
        redirect: "manual",
        headers: { cookie: [...jar].map((pair) => pair.join("=")).join("; ") },
        ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, cookie = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        jar.set(cookie, value);
      }
      return answer;
    };
    let answer = await ask(url);
    for (let at = url; answer.status === 303 || answer.status === 302; ) {
      const next = new URL(answer.headers.get("location") ?? "", at);
      if (next.hostname === "localhost") return next.href;
      at = next;
      answer = await ask(at);
      if (!at.pathname.startsWith("/interaction/")) continue;
      const prompt = (await answer.text()).includes('value="login"') ? "login" : "consent";
      answer = await ask(at, { prompt, login: name, password: "any" });
    }
    return null;
  }

  /** All of it; answers the last answer of the server. */
  async login(name: string, change: (url: URL) => void = () => {}) {
    const url = await this.begin();
    change(url);
    const back = await this.atProvider(url, name);
    assert(back !== null, "the provider sends the browser back");
    return this.own(back);
  }

  async who(): Promise<string | number> {
    const answer = await api.app.inject({
      url: "/api/v1/login",
      headers: { host: "localhost", cookie: `${cookieName}=${this.jar.get(cookieName) ?? ""}` },
    });
    const { name, role } = answer.json();
    return answer.statusCode === 200 ? `${name} ${role}` : answer.statusCode;
  }
}
let people = 0;

test("who has a group of [oidc] roles is that operator: the highest role counts, and the name is made to fit", async () => {
  assert.deepEqual((await api.call("GET", "/login/ways")).body, {
    password: true,
    oidc: { label: "Campus", url: "/api/v1/login/oidc" },
  });
  for (const [name, said] of [
    ["ann", "ann admin"],
    ["bob", "bob viewer"],
    ["root@campus", "root operator"],
  ] as const) {
    const person = new Person();
    const answer = await person.login(name);
    assert.deepEqual([answer.statusCode, answer.headers.location], [303, "/"], answer.body);
    assert.equal(await person.who(), said);
    assert(!person.jar.has("__Host-roomcast-oidc"));
  }
  const known = api.operators.list().map(({ name, issuer, password }) => [name, issuer, password]);
  assert.deepEqual(known[0], ["ann", settings.issuer, false]);
  const events = JSON.stringify(api.state.events({ limit: 100 }));
  assert.match(events, /ann from 10\.3\.0\.\d+: logged in by http:\/\/127/);
});

test("the same person is the same operator with the role of today; somebody else of that name is another", async () => {
  const before = api.operators.list().length;
  const person = new Person();
  groups.bob = ["lab-operators"];
  await person.login("bob");
  assert.equal(await person.who(), "bob operator");
  assert.equal(api.operators.list().length, before);
  await api.operators.add("carl", "admin");
  groups.carl = ["lab-viewers"];
  const carl = new Person();
  await carl.login("carl");
  assert.equal(await carl.who(), "carl-2 viewer");
});

test("who has no such group is refused in words, and is no operator any more who was one", async () => {
  const person = new Person();
  const answer = await person.login("eve");
  assert.equal(answer.statusCode, 403);
  assert.match(String(answer.headers["content-type"]), /^text\/plain/);
  assert.match(
    answer.body,
    /^Campus knows you, and nothing that it says of you makes you an operator/,
  );
  assert.equal(await person.who(), 401);
  const bob = new Person();
  await bob.login("bob");
  groups.bob = [];
  assert.equal((await new Person().login("bob")).statusCode, 403);
  assert.equal(await bob.who(), 401);
  assert.equal(api.operators.get("bob"), null);
  const events = JSON.stringify(api.state.events({ limit: 100 }));
  assert.match(events, /bob from 10\.3\.0\.\d+: .* no longer the operator bob \(refused: 403\)/);
});

test("another state, another nonce, another code, another browser, and the same once more are all refused", async () => {
  const ways: Record<string, () => Promise<{ statusCode: number }>> = {
    async state() {
      const person = new Person();
      const back = await person.atProvider(await person.begin(), "ann");
      const url = new URL(back ?? "");
      url.searchParams.set("state", "other");
      return person.own(url.href);
    },
    nonce: () => new Person().login("ann", (url) => url.searchParams.set("nonce", "other")),
    verifier: () =>
      new Person().login("ann", (url) => url.searchParams.set("code_challenge", "A".repeat(43))),
    async code() {
      const [person, other] = [new Person(), new Person()];
      const url = new URL((await person.atProvider(await person.begin(), "ann")) ?? "");
      const others = new URL((await other.atProvider(await other.begin(), "bob")) ?? "");
      url.searchParams.set("code", others.searchParams.get("code") ?? "");
      return person.own(url.href);
    },
    async browser() {
      const person = new Person();
      const back = await person.atProvider(await person.begin(), "ann");
      return new Person().own(back ?? "");
    },
    async again() {
      const person = new Person();
      const back = await person.atProvider(await person.begin(), "ann");
      const handle = person.jar.get("__Host-roomcast-oidc") ?? "";
      await person.own(back ?? "");
      person.jar.clear();
      person.jar.set("__Host-roomcast-oidc", handle);
      return person.own(back ?? "");
    },
    async issuer() {
      const person = new Person();
      const url = new URL((await person.atProvider(await person.begin(), "ann")) ?? "");
      url.searchParams.set("iss", "https://evil.example");
      return person.own(url.href);
    },
  };
  const before = api.state.logins().length;
  for (const [name, way] of Object.entries(ways)) {
    // One of them does log in, before its answer is used again.
    assert.equal((await way()).statusCode, 401, name);
  }
  assert.equal(api.state.logins().length, before + 1);
});

test("a login that takes more than ten minutes is begun again", async () => {
  const person = new Person();
  const back = await person.atProvider(await person.begin(), "ann");
  later = 10 * 60_000;
  const answer = await person.own(back ?? "");
  assert.deepEqual([answer.statusCode, await person.who()], [401, 401]);
  assert.match(answer.body, /more than ten minutes\nbegin again at the server's page/);
  later = 0;
});

test("the provider sends nobody to another address than the server's", async () => {
  const person = new Person();
  const url = await person.begin();
  url.searchParams.set("redirect_uri", "https://evil.example/return");
  assert.equal(await person.atProvider(url, "ann"), null);
});

test("who says no at the provider hears so", async () => {
  const person = new Person();
  const { searchParams } = await person.begin();
  const query = new URLSearchParams({ error: "access_denied", iss: settings.issuer });
  query.set("state", searchParams.get("state") ?? "");
  const answer = await person.own(`${returnUrl}?${query}`);
  assert.equal(answer.statusCode, 401);
  assert.match(answer.body, /^the login by Campus did not succeed: /);
});

test("everywhere means every browser of this operator", async () => {
  const [one, two] = [new Person(), new Person()];
  await one.login("ann");
  await two.login("ann");
  const answer = await api.app.inject({
    ...{ method: "POST", url: "/api/v1/logout", payload: { everywhere: true } },
    headers: {
      ...{ host: "localhost", origin: "https://localhost" },
      cookie: `${cookieName}=${one.jar.get(cookieName)}`,
    },
  });
  assert.equal(answer.statusCode, 204);
  assert.deepEqual([await one.who(), await two.who()], [401, 401]);
});

test("an issuer in clear is refused but on this host; a secret that is not there is, too", async () => {
  const open = (change: Partial<OidcSettings>) => Oidc.open({ ...settings, ...change }, clock);
  for (const issuer of ["http://id.example.org", "http://127.0.0.1.example.org", "ftp://x", "id"])
    await assert.rejects(open({ issuer }), { code: "bad-input" }, issuer);
  for (const issuer of ["https://id.example.org", "http://localhost:1", "http://[::1]:1"])
    await open({ issuer });
  await assert.rejects(open({ clientSecretFile: join(folder, "none") }), { code: "bad-input" });
});

test("a provider that is away is said to be, and that there are other ways", async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const oidc = await Oidc.open({ ...settings, issuer: `http://127.0.0.1:${port}` }, clock);
  await assert.rejects(oidc.begin(returnUrl), (error: Error & { code: string; next: string }) => {
    assert.equal(error.code, "unreachable");
    assert.match(
      error.message,
      /^Campus cannot be asked at http:\/\/127\.0\.0\.1:\d+ \(connect ECONNREFUSED/,
    );
    assert.match(error.next, /log in with a password or a token/);
    return true;
  });
});
