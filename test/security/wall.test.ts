/** The link for a projector: who has it watches one room, and can do nothing else. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Browser } from "../server/api/browser.ts";
import type { Method } from "../server/api/open-api.ts";
import { type Granted, openGranted } from "../server/gate/granted.ts";

let lab: Granted;
let url = "";
const password = "correct horse battery";

before(async () => {
  lab = await openGranted();
  const { operators, app, lab: all } = lab.api;
  await operators.add("ann", "operator");
  await operators.setPassword("ann", password);
  await all.rooms.create("lab1");
  for (const pc of lab.pcs.slice(2)) all.pcs.set(pc, { room: "lab1" }, "ann");
  url = await app.listen({ host: "127.0.0.1", port: 0 });
});
after(() => lab.close());

let browsers = 0;
const newBrowser = (): Browser => new Browser(lab.api.app, `10.2.0.${++browsers}`);

async function operator(): Promise<Browser> {
  const browser = newBrowser();
  await browser.call("POST", "/login", { name: "ann", password });
  return browser;
}

async function makeLink(): Promise<string> {
  const { status, body } = await (await operator()).call("POST", "/rooms/lab1/wall-link", {});
  assert.equal(status, 200);
  const [, secret = ""] = /^https:\/\/localhost\/\?wall#([A-Za-z0-9_-]{43})$/.exec(body.url) ?? [];
  assert.notEqual(secret, "", body.url);
  return secret;
}

async function wall(secret: string): Promise<Browser> {
  const browser = newBrowser();
  const { status, body } = await browser.call("POST", "/login", { wall: secret });
  assert.equal(status, 200);
  const { until: _, ...view } = body;
  assert.deepEqual(view, { name: "wall", role: "wall", room: "lab1" });
  return browser;
}

test("of every route of the network a wall gets its events, its login and its logout, and no other", async () => {
  const browser = await wall(await makeLink());
  const allowed: string[] = [];
  const calls = lab.api.routes.filter(({ url: path }) =>
    /^\/(api\/v1\/|metrics|gate\/)/.test(path),
  );
  assert(calls.length > 60);
  for (const { method, url: path, config, websocket } of calls)
    for (const each of [method].flat() as Method[]) {
      const name = `${each} ${path}`;
      const open = config?.gateRows?.[each];
      if (open?.credential === "none") continue;
      if (name === "GET /api/v1/events" || name === "POST /api/v1/logout") {
        allowed.push(name);
        continue;
      }
      const there = path.replaceAll(/:name/g, "lab1").replaceAll(/:(id|task)/g, lab.restore);
      const body = each === "GET" || each === "DELETE" ? undefined : {};
      const { status } = await browser.call(each, `.${there}?wall`, body);
      if (status === 200) allowed.push(name);
      // What is a PC's own asks for a grant, and looks at no cookie.
      else assert.equal(status, open === undefined ? 403 : 401, `${name} ${websocket}`);
    }
  assert.deepEqual(allowed.toSorted(), [
    "GET /api/v1/events",
    "GET /api/v1/login",
    "POST /api/v1/logout",
  ]);
});

/** What the wall hears until `enough`, and whether the server ended it. */
async function events(browser: Browser, enough: (text: string) => boolean, last?: string) {
  const headers = {
    cookie: `__Host-roomcast-wall=${browser.wallCookie}`,
    ...(last === undefined ? {} : { "last-event-id": last }),
  };
  const answer = await fetch(`${url}/api/v1/events?wall`, { headers });
  let text = "";
  for await (const part of answer.body ?? []) {
    text += Buffer.from(part).toString();
    if (enough(text)) return { text, isEnded: false };
  }
  return { text, isEnded: true };
}

const told = (text: string) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));

test("a wall hears of its room, its PCs and its sessions: no number, address or disk of a PC, and no other room", async () => {
  const browser = await wall(await makeLink());
  const { text } = await events(browser, (heard) => heard.includes('"ready"'));
  const all = told(text);
  assert.deepEqual(
    all.map(({ type }) => type),
    ["room", "pc", "pc", "session", "session", "ready"],
  );
  assert.equal(all[0].room.name, "lab1");
  assert.deepEqual(
    all
      .slice(1, 3)
      .map(({ pc }) => pc.name)
      .toSorted(),
    ["pc3", "pc4"],
  );
  for (const { session } of all.slice(3, 5)) {
    assert.equal(session.room, "lab1");
    for (const { name } of session.members) assert(["pc3", "pc4"].includes(name), name);
  }
  for (const secret of [
    ...["52:54:00", "Samsung", "S3Z9", "serial", "/dev/sda", "pc1", "pc2", "rootHash", "settings"],
    ...[
      "macs",
      '"ip"',
      "fields",
      "notices",
      'reason"',
      "evidence",
      "sender",
      "default",
      lab.capture,
    ],
  ])
    assert(!text.includes(secret), `${secret} in ${text}`);
});

test("a PC that leaves the room is gone from the wall, and what happens elsewhere is not heard", async () => {
  const browser = await wall(await makeLink());
  const { lab: all, state } = lab.api;
  const [first = "", , , fourth = ""] = lab.pcs;
  const heard = events(browser, (text) => text.includes("pc-gone"));
  await sleep(200);
  const by = "ann";
  all.pcs.set(first, { name: "elsewhere" }, by);
  all.announcer.note({}, "a note");
  all.announcer.warn(["10.77.0.9 answers DHCP"]);
  await sleep(400);
  all.pcs.set(fourth, { room: "default" }, by);
  const { text } = await heard;
  const gone = told(text).filter(({ type }) => type === "pc-gone");
  assert.deepEqual(gone, [{ type: "pc-gone", id: fourth }]);
  for (const secret of ["elsewhere", "a note", "10.77.0.9"]) assert(!text.includes(secret), secret);
  all.pcs.set(fourth, { room: "lab1" }, by);
  assert(state.events({ limit: 100 }).length > 0);
});

test("after a break a wall gets everything anew, since what it may see depends on what it saw", async () => {
  const browser = await wall(await makeLink());
  const { text } = await events(browser, (heard) => heard.includes('"ready"'));
  const [, last = ""] = /^id: (.*)$/m.exec(text) ?? [];
  const again = await events(browser, (heard) => heard.includes('"ready"'), last);
  assert.equal(told(again.text)[0].type, "reset");
});

test("a link that is ended, or followed by another, ends its pages at once; the new one works", async () => {
  const secret = await makeLink();
  const browser = await wall(secret);
  const open = events(browser, () => false);
  await sleep(100);
  const next = await makeLink();
  const from = performance.now();
  assert((await open).isEnded);
  // The server looks every five seconds, too.
  assert(performance.now() - from < 1000);
  assert.equal((await browser.call("GET", "/login?wall")).status, 401);
  assert.equal((await newBrowser().call("POST", "/login", { wall: secret })).status, 401);
  const other = await wall(next);
  const ann = await operator();
  assert.equal((await ann.call("DELETE", "/rooms/lab1/wall-link")).status, 204);
  assert.equal((await other.call("GET", "/login?wall")).status, 401);
  assert.equal((await ann.call("DELETE", "/rooms/lab1/wall-link")).status, 404);
  assert.equal((await newBrowser().call("POST", "/login", { wall: next })).status, 401);
});

test("a room that is deleted takes its link along, whoever makes a room of that name then", async () => {
  const ann = await operator();
  await ann.call("POST", "/rooms", { name: "gone" });
  const { body } = await ann.call("POST", "/rooms/gone/wall-link", {});
  const secret = body.url.split("#")[1];
  await ann.call("DELETE", "/rooms/gone");
  await ann.call("POST", "/rooms", { name: "gone" });
  assert.equal((await newBrowser().call("POST", "/login", { wall: secret })).status, 401);
});

test("nothing of a link's secret is kept or told", async () => {
  const secret = await makeLink();
  await wall(secret);
  const { state } = lab.api;
  const kept = JSON.stringify([state.wallLinks(), state.logins(), state.events({ limit: 1000 })]);
  assert(!kept.includes(secret));
  assert.match(kept, /the wall from 10\.2\.0\.\d+: logged in with a wall's link/);
});

test("who made the link is told to operators, and its secret to nobody", async () => {
  const secret = await makeLink();
  const { body } = await (await operator()).call("GET", "/rooms/lab1/wall-link");
  assert.equal(body.by, "ann");
  assert.doesNotMatch(JSON.stringify(body), new RegExp(secret));
  const seen = await (await wall(secret)).call("GET", "/rooms/lab1/wall-link?wall");
  assert.equal(seen.status, 403);
  assert.equal((await (await operator()).call("DELETE", "/rooms/lab1/wall-link")).status, 204);
  const none = await (await operator()).call("GET", "/rooms/lab1/wall-link");
  assert.deepEqual([none.status, none.body], [200, null]);
});

test("opened in an operator's browser, a wall is one beside the operator's login, and neither ends the other", async () => {
  const secret = await makeLink();
  const browser = await operator();
  await browser.call("POST", "/login", { wall: secret });
  const who = async (path: string) => (await browser.call("GET", path)).body.name;
  assert.deepEqual([await who("/login"), await who("/login?wall")], ["ann", "wall"]);
  const asWall = await browser.call("GET", "/rooms?wall");
  const asOperator = await browser.call("GET", "/rooms");
  assert.deepEqual([asWall.status, asOperator.status], [403, 200]);
  await browser.call("POST", "/login", { name: "ann", password });
  assert.equal(await who("/login?wall"), "wall");
  await browser.call("POST", "/logout?wall", {});
  assert.deepEqual([browser.wallCookie, await who("/login")], [null, "ann"]);
  await browser.call("POST", "/login", { wall: secret });
  await browser.call("POST", "/logout", {});
  assert.deepEqual([browser.cookie, await who("/login?wall")], [null, "wall"]);
});

test("another link in one browser ends the wall that was there, and a wall's cookie is no operator's", async () => {
  const browser = await wall(await makeLink());
  const first = browser.wallCookie;
  await browser.call("POST", "/login", { wall: await makeLink() });
  assert.notEqual(browser.wallCookie, first);
  assert.equal((await browser.call("GET", "/login?wall")).status, 200);
  assert.equal((await browser.call("GET", "/login")).status, 401);
  const ann = await operator();
  ann.wallCookie = null;
  assert.equal((await ann.call("GET", "/login?wall")).status, 401);
});
