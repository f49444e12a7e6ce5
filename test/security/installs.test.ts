/** Two servers that were just installed, where every file is made open unless somebody sees to it. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TrustView } from "../../core/wire/api.ts";
import { pinnedTo } from "../tls.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const umask = process.umask(0);
const servers: ServerProcess[] = [];

before(async () => {
  for (const isThere of [false, true]) {
    const prepare = (data: string): void => {
      if (!isThere) return;
      mkdirSync(data);
      chmodSync(data, 0o777);
    };
    servers.push(await startServer("", prepare));
  }
});
after(async () => {
  process.umask(umask);
  await Promise.all(servers.map((server) => server.end()));
});

function ask<T>(
  { socketPath }: ServerProcess,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request({ socketPath, path: `/api/v1${path}`, method, headers }, (answer) => {
      let text = "";
      answer.on("data", (part) => {
        text += part;
      });
      answer.on("end", () => resolve(JSON.parse(text) as T));
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const filesOf = ({ socketPath }: ServerProcess): string[] => {
  const data = join(socketPath, "..");
  return [
    data,
    ...readdirSync(data, { recursive: true, encoding: "utf8" }).map((name) => join(data, name)),
  ];
};

test("nobody is an operator and nothing is a password before an operator says so", async () => {
  for (const server of servers) {
    assert.deepEqual(await ask(server, "GET", "/operators"), []);
    const [room] = await ask<{ pin: boolean; instructorPin: boolean }[]>(server, "GET", "/rooms");
    assert.deepEqual([room?.pin, room?.instructorPin], [false, false]);
    const pinned = pinnedTo(server.gateUrl, server.pin);
    for (const token of [
      "admin",
      "admin.admin",
      "roomcast.roomcast",
      "root.",
      "operator.password",
    ]) {
      const headers = { authorization: `Bearer ${token}` };
      assert.equal((await pinned.fetch("/api/v1/status", { headers })).status, 401, token);
    }
    const basic = `Basic ${Buffer.from("admin:admin").toString("base64")}`;
    const answer = await pinned.fetch("/api/v1/status", { headers: { authorization: basic } });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("set-cookie"), null, "there is no cookie to be guessed");
    await pinned.close();
  }
});

/** Long enough that nobody meets it twice by chance. */
const words = (text: string): string[] => text.match(/[A-Za-z0-9+/_-]{32,}/g) ?? [];

test("what two servers keep and give out has no key, token, hash or number in common", async () => {
  const kept: Set<string>[] = [];
  for (const server of servers) {
    const body = { name: "ann", role: "admin" };
    const { token } = await ask<{ token: string }>(server, "POST", "/operators", body);
    await ask(server, "PATCH", "/rooms/default", { pin: "135790", instructorPin: "246801" });
    const { next } = await ask<TrustView>(server, "POST", "/trust/rotate", {});
    const files = filesOf(server).filter((path) => statSync(path).isFile());
    const all = [
      token,
      server.pin,
      next?.key ?? "",
      ...files.map((path) => readFileSync(path, "latin1")),
    ];
    const found = new Set(all.flatMap(words));
    for (const secret of [server.pin.slice(7), token.slice(4)])
      assert(words(secret).every((word) => found.has(word)) && words(secret).length > 0, secret);
    kept.push(found);
  }
  const [first, second] = kept as [Set<string>, Set<string>];
  assert(first.size > 5);
  // What SQLite calls its own indexes.
  const common = [...first].filter((word) => second.has(word) && !word.includes("sqlite_"));
  assert.deepEqual(common, []);
});

test("with umask 0, and in a folder that was open to all, every file is its owner's alone", async () => {
  for (const server of servers) {
    const files = filesOf(server);
    for (const name of ["gate.key", "gate-next.key", "state.db", "roomcast.sock", "store"])
      assert(
        files.some((path) => path.endsWith(`/${name}`)),
        name,
      );
    for (const path of files) {
      const mode = (statSync(path).mode & 0o777).toString(8);
      assert.match(mode, /00$/, `${path} ${mode}`);
    }
  }
});
