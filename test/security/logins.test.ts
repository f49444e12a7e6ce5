/** Who is logged in at the page: how a login is made, what it is worth, and how it ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { Browser, ownOrigin } from "../server/api/browser.ts";
import { openApi, type TestApi } from "../server/api/open-api.ts";

let api: TestApi;
let port = 0;
/** Wall-clock time is the host's and this, in milliseconds. */
let later = 0;
const clock = {
  now: () => 0 as never,
  isoTime: () => new Date(Date.now() + later).toISOString(),
};
const password = "correct horse battery";
const tokens: Record<string, string> = {};

before(async () => {
  api = await openApi("tokens", { clock });
  for (const name of ["ann", "bob", "eve"] as const) {
    tokens[name] = (await api.operators.add(name, name === "bob" ? "viewer" : "admin")).token;
    await api.operators.setPassword(name, password);
  }
  port = Number(new URL(await api.app.listen({ host: "127.0.0.1", port: 0 })).port);
});
after(() => api.close());

/** Tries are counted by address: each browser has another one. */
let browsers = 0;
const newBrowser = (): Browser => new Browser(api.app, `10.1.0.${++browsers}`);

async function loggedIn(name: string): Promise<Browser> {
  const browser = newBrowser();
  const { status } = await browser.call("POST", "/login", { name, password });
  assert.equal(status, 200);
  return browser;
}

const who = async (browser: Browser) => {
  const { status, body } = await browser.call("GET", "/login");
  return status === 200 ? `${body.name} ${body.role}` : status;
};

test("a password or a token makes a cookie that no script, no page of others and no plain HTTP gets", async () => {
  for (const credential of [{ name: "ann", password }, { token: tokens.ann }]) {
    const browser = newBrowser();
    const { status, body, headers } = await browser.call("POST", "/login", credential);
    assert.equal(status, 200);
    const { until, ...view } = body;
    assert.deepEqual(view, { name: "ann", role: "admin", room: null });
    assert(Math.abs(Date.parse(until) - Date.now() - 12 * 3600_000) < 60_000, until);
    const [name, ...flags] = String(headers["set-cookie"]).split("; ");
    assert.match(name ?? "", /^__Host-roomcast=[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(flags.toSorted(), ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]);
    assert.equal(await who(browser), "ann admin");
  }
});

test("what is kept of a login and a password cannot be used as one", async () => {
  const browser = await loggedIn("ann");
  const stored = JSON.stringify([api.state.logins(), api.state.operators()]);
  assert(!stored.includes(browser.cookie ?? "") && !stored.includes(password));
  for (const { hash } of api.state.logins()) {
    const thief = newBrowser();
    thief.cookie = hash;
    assert.equal(await who(thief), 401);
  }
});

test("a cookie that somebody else put there is never logged in: each login has a new one, and the old one ends", async () => {
  const browser = newBrowser();
  browser.cookie = "A".repeat(43);
  await browser.call("POST", "/login", { name: "ann", password });
  const first = browser.cookie;
  assert.notEqual(first, "A".repeat(43));
  await browser.call("POST", "/login", { name: "bob", password });
  assert.notEqual(browser.cookie, first);
  assert.equal(await who(browser), "bob viewer");
  const left = newBrowser();
  left.cookie = first;
  assert.equal(await who(left), 401);
});

test("a page of another site changes nothing by the cookie that the browser adds, and reads nothing", async () => {
  const browser = await loggedIn("ann");
  const change = (headers: Record<string, string>, body: object | string = { name: "x" }) =>
    browser.call("POST", "/rooms", body, headers);
  const refused: readonly Record<string, string>[] = [
    { origin: "https://evil.example" },
    { origin: "http://localhost" },
    { origin: "https://localhost:444" },
    { origin: "null" },
    { origin: "" },
    { origin: "", "sec-fetch-site": "" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { host: "evil.example", origin: "https://evil.example" },
  ];
  for (const headers of refused) {
    assert.equal((await change(headers)).status, 403, JSON.stringify(headers));
    const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    assert.equal((await change(form, "name=x")).status, 403, JSON.stringify(form));
  }
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assert.equal((await change(form, "name=x")).status, 415);
  assert.equal((await change({ "content-type": "text/plain" }, '{"name":"x"}')).status, 400);
  assert(!api.lab.inventory.rooms().includes("x"));
  for (const path of ["/pcs", "/events", "/login", "/operators"]) {
    const from = { origin: "", "sec-fetch-site": "cross-site" };
    assert.equal((await browser.call("GET", path, undefined, from)).status, 403, path);
  }
  // And its own page does.
  assert.equal((await change({})).status, 200);
  assert.equal((await change({ "sec-fetch-site": "" }, { name: "y" })).status, 200);
  assert.equal((await browser.call("GET", "/pcs", undefined, { origin: "" })).status, 200);
});

test("a token needs no page, as before", async () => {
  const headers = { origin: "", "sec-fetch-site": "", authorization: `Bearer ${tokens.ann}` };
  assert.equal((await newBrowser().call("POST", "/rooms", { name: "z" }, headers)).status, 200);
});

test("a shell is opened by the own page alone", async () => {
  const browser = await loggedIn("ann");
  const upgrade = async (headers: Record<string, string>): Promise<number> => {
    const cookie = `__Host-roomcast=${browser.cookie}`;
    const path = "/api/v1/pcs/nobody/shell?columns=80&lines=24&term=xterm";
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
      headers: { host: "localhost", cookie, ...headers },
    });
    socket.on("error", () => {});
    const [request, answer] = await once(socket, "unexpected-response");
    request.destroy();
    return answer.statusCode;
  };
  assert.equal(await upgrade({ origin: ownOrigin }), 404);
  assert.equal(await upgrade({}), 403);
  assert.equal(await upgrade({ origin: "https://evil.example" }), 403);
});

test("an operator's new role counts at once, and who is removed is out, whoever has the name then", async () => {
  const browser = await loggedIn("eve");
  await api.operators.setRole("eve", "viewer");
  assert.equal(await who(browser), "eve viewer");
  assert.equal((await browser.call("GET", "/operators")).status, 403);
  await api.operators.remove("eve");
  later += 1000;
  await api.operators.add("eve", "admin");
  assert.equal(await who(browser), 401);
  later = 0;
});

test("a new password logs the operator's browsers out", async () => {
  const [admin, browser] = [await loggedIn("ann"), await loggedIn("bob")];
  const change = await admin.call("PATCH", "/operators/bob", { password: "another long one" });
  assert.deepEqual([change.status, change.body.password], [200, true]);
  assert.equal(await who(browser), 401);
  const { body } = await admin.call("GET", "/history?limit=5");
  assert(!JSON.stringify(body).includes("another long one"));
  assert.match(JSON.stringify(body), /bob.*password=…|password=…/);
  assert.equal((await admin.call("PATCH", "/operators/bob", { password: "short" })).status, 400);
  await api.operators.setPassword("bob", password);
});

test("a browser is logged out by itself, or all of an operator's by one", async () => {
  const [one, two, other] = [await loggedIn("ann"), await loggedIn("ann"), await loggedIn("bob")];
  const secret = one.cookie;
  assert.equal((await one.call("POST", "/logout", {})).status, 204);
  assert.equal(one.cookie, null);
  one.cookie = secret;
  assert.equal(await who(one), 401);
  assert.equal(await who(two), "ann admin");
  const third = await loggedIn("ann");
  assert.equal((await third.call("POST", "/logout", { everywhere: true })).status, 204);
  assert.deepEqual([await who(two), await who(other)], [401, "bob viewer"]);
});

test("a login ends after 12 hours without use and after 7 days with it, and lives through a restart", async () => {
  const browser = await loggedIn("ann");
  const hours = async (count: number) => {
    later = count * 3600_000;
    return await who(browser);
  };
  assert.equal(await hours(11.9), "ann admin");
  await using again = await openApi("tokens", { folder: api.folder, clock });
  const same = new Browser(again.app);
  same.cookie = browser.cookie;
  assert.equal(await who(same), "ann admin");
  for (let at = 20; at < 167; at += 10) assert.equal(await hours(at), "ann admin", `${at} h`);
  assert.equal(await hours(168.1), 401);
  const idle = await loggedIn("ann");
  later += 12.1 * 3600_000;
  assert.equal(await who(idle), 401);
  later = 0;
});

test("what is open ends with the login, with another role, and stays for the others", {
  timeout: 30_000,
}, async () => {
  const open = async (browser: Browser) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events`, {
      headers: { cookie: `__Host-roomcast=${browser.cookie}` },
    });
    assert.equal(answer.status, 200);
    const over = Promise.withResolvers<string>();
    void (async () => {
      for await (const _ of answer.body ?? []);
      over.resolve("over");
    })();
    return { over: over.promise, close: () => answer.body?.cancel().catch(() => {}) };
  };
  const [ann, bob] = [await loggedIn("ann"), await loggedIn("bob")];
  const [first, second] = [await open(ann), await open(bob)];
  await ann.call("POST", "/logout", {});
  assert.equal(await first.over, "over");
  const still = await Promise.race([second.over, new Promise((done) => setTimeout(done, 200))]);
  assert.equal(still, undefined);
  await api.operators.setRole("bob", "operator");
  assert.equal(await second.over, "over");
  await api.operators.setRole("bob", "viewer");
});

test("wrong words are answered alike whoever is meant, and each way in is written down without them", async () => {
  const tries = [
    { name: "ann", password: "wrong wrong wrong" },
    { name: "nobody", password: "wrong wrong wrong" },
    { name: "eve", password },
  ];
  const answers = [];
  for (const each of tries) {
    const { status, body } = await newBrowser().call("POST", "/login", each);
    answers.push([status, body]);
  }
  assert.equal(answers[0]?.[0], 401);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  await loggedIn("ann");
  const said = JSON.stringify(api.state.events({ limit: 1000 }));
  assert.match(said, /ann from 10\.1\.0\.\d+: logged in with a password/);
  assert.match(said, /10\.1\.0\.\d+ tried a password of ann, which is not right \(refused: 401\)/);
  assert(!said.includes("wrong wrong") && !said.includes(password));
});

test("who guesses is shut out with the seconds to wait, by address and by name", async () => {
  const guesser = newBrowser();
  const guess = (browser: Browser, name: string) =>
    browser.call("POST", "/login", { name, password: "guess guess guess" });
  let last = await guess(guesser, "a0");
  for (let count = 1; count < 21; count++) last = await guess(guesser, `a${count}`);
  assert.equal(last.status, 429);
  assert.match(last.body.next, /try again in \d+ s/);
  assert(Number(last.headers["retry-after"]) > 0);
  const right = await guesser.call("POST", "/login", { name: "bob", password });
  assert.equal(right.status, 429);
  for (const name of ["bob", "nobody-there"]) {
    let count = 0;
    do last = await guess(newBrowser(), name);
    while (last.status === 401 && ++count <= 30);
    assert.equal(last.status, 429, name);
  }
  const { status } = await newBrowser().call("POST", "/login", { token: tokens.bob });
  assert.equal(status, 200);
});
