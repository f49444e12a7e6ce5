/** Two whole servers of a campus on one database: who is let in at one, and what that is worth at the other. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import type { PinnedServer } from "../../core/node/pinned.ts";
import type { NewOperator, TrustView } from "../../core/wire/api.ts";
import { freePort } from "../free-port.ts";
import { TestPostgres } from "../postgres.ts";
import { until } from "../server/campus/registry-contract.ts";
import { pinnedTo } from "../tls.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const password = "correct horse battery";
let postgres: TestPostgres;
let folder = "";
/** Of a server of this name. */
let config: (name: string) => string;
let one: Site;
let other: Site;
/** What nobody but its owner may see. */
const secrets: string[] = [password];

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  readonly body: any;
}

/** A server as its own host and the network reach it. */
class Site {
  readonly process: ServerProcess;
  private readonly pinned: PinnedServer;

  constructor(server: ServerProcess) {
    this.process = server;
    this.pinned = pinnedTo(server.gateUrl, server.pin);
  }

  /** As root on its host. */
  local(method: string, path: string, body?: unknown): Promise<Answer> {
    const { socketPath } = this.process;
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const sent = request({ socketPath, path: `/api/v1${path}`, method, headers }, (answer) => {
        let text = "";
        answer.on("data", (part) => {
          text += part;
        });
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, body: text === "" ? null : JSON.parse(text) }),
        );
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async add(name: string, role: string): Promise<string> {
    const { status, body } = await this.local("POST", "/operators", { name, role });
    assert.equal(status, 200, JSON.stringify(body));
    const { token } = body as NewOperator;
    secrets.push(token.slice(name.length + 1));
    return token;
  }

  async with(token: string, path = "/status", method = "GET", body?: unknown): Promise<number> {
    const answer = await this.pinned.fetch(`/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await answer.text();
    return answer.status;
  }

  /** The cookie of a browser that logs in; null: it is not let in. */
  async login(name: string, word: string): Promise<string | null> {
    const answer = await this.pinned.fetch("/api/v1/login", {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.process.gateUrl },
      body: JSON.stringify({ name, password: word }),
    });
    await answer.text();
    const [cookie = null] = (answer.headers.get("set-cookie") ?? "").split(";");
    return answer.status === 200 ? cookie : null;
  }

  /** Live events that somebody has open. */
  async events(headers: Record<string, string>): Promise<{ isOver: boolean; status: number }> {
    const answer = await this.pinned.fetch("/api/v1/events", { headers });
    const stream = { isOver: false, status: answer.status };
    void (async () => {
      for await (const _ of answer.body ?? []);
    })()
      .catch(() => {})
      .finally(() => {
        stream.isOver = true;
      });
    return stream;
  }

  async warnings(): Promise<string> {
    return (await this.local("GET", "/status")).body.warnings.join("\n");
  }

  async end(): Promise<void> {
    await this.pinned.close();
    await this.process.end();
  }
}

before(async () => {
  postgres = await TestPostgres.start();
  folder = mkdtempSync(join(tmpdir(), "roomcast-campus-"));
  const file = (name: string): string => {
    writeFileSync(join(folder, name), "none", { mode: 0o600 });
    return join(folder, name);
  };
  // Nothing listens there: the storage is away, and a server goes on without.
  const storage = `http://127.0.0.1:${await freePort()}`;
  const url = postgres.url(await postgres.database());
  config = (name) => `[server]\nname = "${name}"\n[state]\nurl = "${url}"
[store.s3]\nendpoint = "${storage}"\nregion = "us-east-1"\nbucket = "images"
accessKeyFile = "${file("access")}"\nsecretKeyFile = "${file("secret")}"\nforcePathStyle = true\n`;
  one = new Site(await startServer(config("one")));
  other = new Site(await startServer(config("other")));
});
after(async () => {
  await one?.end();
  await other?.end();
  await postgres?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Milliseconds until it is so. */
async function timeUntil(isSo: () => boolean | Promise<boolean>): Promise<number> {
  const start = performance.now();
  await until(isSo);
  return performance.now() - start;
}

test("who is added at one server is let in at the other within a second, by token and by password", async () => {
  const token = await one.add("ann", "operator");
  assert.equal(await one.with(token), 200);
  const took = await timeUntil(async () => (await other.with(token)) === 200);
  assert(took < 1000, `it took ${took} ms`);
  await one.local("PATCH", "/operators/ann", { password });
  await until(async () => (await other.login("ann", password)) !== null);
});

test("a removed operator's token, login and open events end at another server within a second", async () => {
  const token = await one.add("eve", "operator");
  await one.local("PATCH", "/operators/eve", { password });
  await until(async () => (await other.with(token)) === 200);
  let cookie: string | null = null;
  await until(async () => {
    cookie = await other.login("eve", password);
    return cookie !== null;
  });
  const byToken = await other.events({ authorization: `Bearer ${token}` });
  const byCookie = await other.events({ cookie: cookie ?? "", origin: other.process.gateUrl });
  assert.deepEqual([byToken.status, byCookie.status], [200, 200]);
  assert.equal((await one.local("DELETE", "/operators/eve")).status, 204);
  const took = await timeUntil(() => byToken.isOver && byCookie.isOver);
  assert(took < 1000, `it took ${took} ms`);
  assert.equal(await other.with(token), 401);
  assert.equal(await other.login("eve", password), null);
  // One of the same name who comes later is another.
  await one.add("eve", "admin");
  await until(async () =>
    JSON.stringify((await other.local("GET", "/operators")).body).includes("eve"),
  );
  assert.deepEqual([await one.with(token), await other.with(token)], [401, 401]);
});

test("a viewer of one server is no admin of another, whatever role somebody of that name had there", async () => {
  const viewer = await one.add("vic", "viewer");
  await until(async () => (await other.with(viewer)) === 200);
  for (const site of [one, other]) {
    assert.equal(await site.with(viewer, "/operators"), 403);
    assert.equal(await site.with(viewer, "/rooms", "POST", { name: "x" }), 403);
  }
  // Demoted at one, with what is open at the other.
  const admin = await one.add("max", "admin");
  await until(async () => (await other.with(admin, "/operators")) === 200);
  const open = await other.events({ authorization: `Bearer ${admin}` });
  await one.local("PATCH", "/operators/max", { role: "viewer" });
  await until(() => open.isOver);
  assert.equal(await other.with(admin, "/operators"), 403);
});

test("a server that joins gives way: its own admin of a name that the campus has is let in nowhere", async () => {
  const viewer = await one.add("zoe", "viewer");
  const alone = await startServer();
  const before = new Site(alone);
  const own = await before.add("zoe", "admin");
  assert.equal(await before.with(own, "/operators"), 200);
  const state = join(folder, "joining.db");
  const copy = new DatabaseSync(join(alone.folder, "data", "state.db"));
  copy.exec(`VACUUM INTO '${state}'`);
  copy.close();
  await before.end();
  const joined = new Site(
    await startServer(config("third"), (data) => {
      mkdirSync(data);
      copyFileSync(state, join(data, "state.db"));
    }),
  );
  try {
    for (const site of [one, other, joined])
      assert.deepEqual([await site.with(own), await site.with(viewer)], [401, 200]);
    assert.match(await joined.warnings(), /another record of the operator zoe/);
    assert.equal(await joined.with(viewer, "/operators"), 403);
  } finally {
    await joined.end();
  }
});

test("each server names the keys with which the others sign, and no private key is in the database", async () => {
  const keyOf = async (site: Site): Promise<TrustView["signing"]> =>
    (await site.local("GET", "/trust")).body.signing;
  const [mine, theirs] = [await keyOf(one), await keyOf(other)];
  assert(mine.campus.some(({ server, key }) => server === "other" && key === theirs.key));
  assert(theirs.campus.some(({ server, key }) => server === "one" && key === mine.key));
  await one.local("POST", "/trust/rotate", {});
  await one.local("POST", "/trust/finish", {});
  const { key } = await keyOf(one);
  assert.notEqual(key, mine.key);
  await until(async () => (await keyOf(other)).campus.some((each) => each.key === key));
  await using admin = postgres.admin("test1");
  const rows = JSON.stringify(await admin.sql`SELECT * FROM shared`);
  assert(!/PRIVATE/.test(rows) && rows.includes(key));
});

test("while the database is away who is known is let in, and nobody is added or removed", async () => {
  const token = await one.add("tom", "operator");
  await one.local("PATCH", "/operators/tom", { password });
  await until(async () => (await other.login("tom", password)) !== null);
  await postgres.kill();
  try {
    const answer = await other.local("DELETE", "/operators/tom");
    assert.deepEqual([answer.status, answer.body.code], [503, "away"], JSON.stringify(answer.body));
    assert.match(answer.body.next, /roomcast status/);
    assert.equal(
      (await one.local("POST", "/operators", { name: "kim", role: "admin" })).status,
      503,
    );
    for (const site of [one, other]) assert.equal(await site.with(token), 200);
    assert.notEqual(await other.login("tom", password), null);
  } finally {
    await postgres.up();
  }
  // A removal may be done, and its answer lost.
  await until(async () => {
    const { status } = await other.local("DELETE", "/operators/tom");
    return status === 204 || status === 404;
  });
  await until(async () => (await one.with(token)) === 401);
});

test("an SSH key is one for all servers, and leaves the rooms of all", async () => {
  const name = "desk";
  const text =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbjbvlf95E7BJUoyGorqVdj7/spJxqLrs94I3dyFToz desk";
  await until(async () => (await one.local("POST", "/ssh-keys", { name, text })).status !== 503);
  const namesAt = async (site: Site): Promise<string> =>
    (await site.local("GET", "/ssh-keys")).body.map((each: { name: string }) => each.name).join();
  await until(async () => (await namesAt(other)) === name);
  assert.equal((await other.local("PATCH", "/rooms/default", { sshKeys: [name] })).status, 200);
  // A room elsewhere uses it, as soon as that is told.
  await until(async () => {
    const { status, body } = await one.local("GET", "/campus/rooms");
    return status === 200 && JSON.stringify(body).includes('"sshKeys":["desk"]');
  });
  const refused = await one.local("DELETE", `/ssh-keys/${name}`);
  assert.equal(refused.status, 409);
  assert.match(refused.body.message, /room default of the server other/);
  assert.equal((await other.local("PATCH", "/rooms/default", { sshKeys: [] })).status, 200);
  await until(async () => (await one.local("DELETE", `/ssh-keys/${name}`)).status === 204);
  await until(async () => (await namesAt(other)) === "");
});

test("no token, password or hash is in a log or in the history of any of them", async () => {
  await using admin = postgres.admin("test1");
  const rows = await admin.sql<{ record: string }[]>`
    SELECT record FROM shared WHERE kind = 'operator' AND record IS NOT NULL`;
  const hashes = rows.flatMap(({ record }) => record.match(/[0-9a-f]{64}/g) ?? []);
  assert(hashes.length > 3);
  for (const site of [one, other]) {
    const history = JSON.stringify((await site.local("GET", "/history?limit=1000")).body);
    for (const text of [site.process.said(), history])
      for (const secret of [...secrets, ...hashes]) assert(!text.includes(secret));
    assert.match(site.process.said(), /is now as another server of the campus has it/);
  }
});
