/** What people see of a campus: the rooms and the servers of all. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { newSigningKey, signerOf } from "../../../core/node/ed25519.ts";
import { spkiOf } from "../../../core/node/key-forms.ts";
import { pinOf } from "../../../core/node/pin.ts";
import { signCertificate } from "../../../core/trust/certificate.ts";
import type { SessionView } from "../../../core/wire/views.ts";
import { sampleCertificate } from "../../core/trust/sample-certificate.ts";
import { memberOf, pcOf, sessionOf } from "../console/fake-lab.ts";
import { ran, room } from "./run-command.ts";

const told = { ...room, server: "one", owner: "one", since: null, running: null };

test("the rooms of a campus are listed with their servers, and what is not sure is marked", async () => {
  const { said } = await ran(["room", "list"], {
    "/campus/rooms": [
      told,
      { ...told, owner: "two", name: "hall" },
      { ...told, owner: null, name: "lab-3" },
      {
        ...told,
        ...{ name: "lab-9", server: "two", owner: "two", since: "2026-01-01T00:00:00.000Z" },
        ...{ session: "s7", running: "27 of 28 verified so far." },
      },
    ],
  });
  const rows = said
    .join("\n")
    .split("\n")
    .map((row) => row.trimEnd().replace(/ {2,}/g, " | "));
  assert.deepEqual(rows, [
    "ROOM | SERVER | PCS | ONLINE | SEATS | SESSION",
    "lab-1 | one | 2 | 2 | 0",
    "hall | one (a copy: two has it) | 2 | 2 | 0",
    "lab-3 | one (not known yet whose) | 2 | 2 | 0",
    "lab-9 | two, as of 2026-01-01T00:00:00.000Z | 2 | 2 | 0 | s7: 27 of 28 verified so far.",
  ]);
});

test("a server alone lists its rooms as ever", async () => {
  const { said } = await ran(["room", "list"], {
    "/campus/rooms": [{ ...told, server: null, owner: null, session: "s1", running: "text" }],
  });
  const rows = said
    .join("\n")
    .split("\n")
    .map((row) => row.trimEnd().replace(/ {2,}/g, " | "));
  assert.deepEqual(rows, ["ROOM | PCS | ONLINE | SEATS | SESSION", "lab-1 | 2 | 2 | 0 | s1"]);
});

test("the status names the servers of the campus, and since when one is away", async () => {
  const at = "2026-01-01T00:00:00.000Z";
  const status = {
    ...{ version: "1.0", url: "http://10.0.0.1", startedAt: at, listeners: [], networks: [] },
    ...{ rooms: 1, pcs: 2, online: 2, sessions: 0, images: 0, storedBytes: 0, freeBytes: 0 },
    warnings: [],
  };
  const server = { name: "one", address: "https://10.0.0.1:8443", version: "1.0", since: at };
  const campus = {
    server: "one",
    away: { since: at, reason: "it does not answer" },
    servers: [
      { ...server, away: null },
      { ...server, name: "two", address: null, away: at },
    ],
  };
  const of = async (what: unknown): Promise<string[]> => {
    const { said } = await ran(["status"], { "/status": { ...status, campus: what } });
    return said.filter((line) => /^(campus|server) /.test(line));
  };
  assert.deepEqual(await of(campus), [
    `campus     this server is one; its database is away since ${at}`,
    "server     one https://10.0.0.1:8443, roomcast 1.0",
    `server     two without an address, roomcast 1.0, away since ${at}`,
  ]);
  assert.deepEqual(await of(null), []);
});

test("who takes over a room is told whose it is, and what if that server runs", async () => {
  const rooms = [
    { ...told, name: "Hall" },
    { ...told, name: "hall", server: "two", owner: "two" },
  ];
  const shownWith = async (away: string | null): Promise<string> => {
    const servers = [{ name: "two", address: null, version: "1.0", since: "t", away }];
    const { shown, calls } = await ran(["room", "move", "Hall", "--server", "one"], {
      "/campus/rooms": rooms,
      "/status": { campus: { server: "one", away: null, servers } },
    });
    assert.deepEqual(calls, []);
    return shown.join(" ");
  };
  const move = "The room Hall of the server two will be the server one's, with its PCs.";
  assert.equal(await shownWith(null), move);
  const late = await shownWith("2026-01-01T00:00:00.000Z");
  assert(late.startsWith(`${move} Nothing was heard of two since 2026-01-01T00:00:00.000Z`), late);
  assert.match(late, /If two runs, and only cannot reach the campus's database/);
  const { error } = await ran(["room", "move", "Hall"], { "/campus/rooms": rooms });
  assert.match(error?.message ?? "", /not said which server/);
});

const there = {
  "/campus": { server: "one", away: null, servers: [] },
  "/campus/rooms": [
    { ...told, name: "default" },
    { ...told, name: "default", server: "two", owner: "two" },
    { ...told, name: "hall", server: "two", owner: "two", session: "s7" },
    // A copy of another server's.
    { ...told, owner: "two" },
    { ...told, server: "two", owner: "two" },
  ],
  "/rooms": [room, { ...room, name: "hall" }],
  "/pcs": [],
  "/images": [],
};

test("a command about a room goes to the server whose it is, and its own default stays its own", async () => {
  const { asked } = await ran(["room", "show", "HALL"], there);
  assert.deepEqual(asked, ["/campus", "/campus/rooms", "two /rooms/HALL"]);
  assert.equal((await ran(["room", "wake", "lab-1"], there)).asked.at(-1), "two /rooms/lab-1/wake");
  assert.equal(
    (await ran(["room", "set", "hall", "--grow", "none"], there)).asked.at(-1),
    "two /rooms/hall",
  );
  assert.equal((await ran(["pc", "list", "--room", "hall"], there)).asked.at(-1), "two /pcs");
  assert.equal((await ran(["room", "show", "default"], there)).asked.at(-1), "/rooms/default");
  assert.equal((await ran(["room", "show", "nowhere"], there)).asked.at(-1), "/rooms/nowhere");
  // Of a copy it is the copy that is deleted.
  assert.deepEqual((await ran(["room", "delete", "lab-1"], there)).asked, ["/rooms/lab-1"]);
  const named = await ran(["--server-name", "three", "room", "show", "hall"], there);
  assert.deepEqual(named.asked, ["three /rooms/hall"]);
});

test("a restore of another server's room names that server before a word is typed, and asks it for all", async () => {
  const { shown, asked } = await ran(["restore", "base", "--room", "hall"], there);
  assert.match(shown[0] ?? "", / will overwrite at two:$/);
  assert(
    asked.slice(2).every((each) => each.startsWith("two ")),
    asked.join(", "),
  );
  const own = await ran(["restore", "base", "--room", "lab-2"], there);
  assert.match(own.shown[0] ?? "", / will overwrite:$/);
});

test("wipes at another server are begun there, and followed until they are over", async () => {
  const begun = sessionOf([memberOf(1)], { id: "s1", kind: "wipe" });
  const over = { ...begun, endedAt: "2026-11-22T09:15:00Z" };
  const at = (last: SessionView) => ({
    ...{ ...there, "/pcs/pc01": pcOf(1), "/sessions/s1": last },
    "/pcs/id1/wipe": begun,
  });
  const words = ["--server-name", "two", "--yes", "pc", "wipe", "pc01"];
  const wiped = { ...over, members: [memberOf(1, { result: "verified" })] };
  const { calls, said, asked } = await ran(words, at(wiped));
  const [[, , request] = []] = calls;
  assert.partialDeepStrictEqual(request, { wait: false });
  assert.equal(asked.at(-1), "two /sessions/s1");
  assert.deepEqual(said, ["pc01: wiped"]);
  const failed = { ...over, members: [memberOf(1, { result: "failed", reason: "write error" })] };
  const { error } = await ran(words, at(failed));
  assert.equal(error?.message, "pc01: write error");
});

test("the sessions of another server come without what was done to each system", async () => {
  const listed = { ...there, "/sessions": [], "/sessions?brief=true": [] };
  assert.deepEqual((await ran(["session", "list"], listed)).asked, ["/sessions"]);
  const elsewhere = await ran(["--server-name", "two", "session", "list"], listed);
  assert.deepEqual(elsewhere.asked, ["two /sessions?brief=true"]);
});

test("a session of another server is not taken for one of this, and the error says who has it", async () => {
  const none = new RoomcastError("not-found", "there is no session s7", "see `session list`");
  for (const words of [
    ["session", "show", "s7"],
    ["session", "stop", "s7"],
    ["session", "drop", "s7", "pc1"],
    ["session", "retry", "s7"],
  ]) {
    const path = `/sessions/s7${words[1] === "stop" || words[1] === "drop" ? `/${words[1]}` : ""}`;
    const { error, asked } = await ran(words, { ...there, [path]: none });
    assert.equal(error?.message, "this server has no session s7; two has one of that name");
    assert.equal((error as RoomcastError).next, "name the server that is meant: --server-name two");
    assert(!asked.some((each) => each.startsWith("two ")));
  }
  const { error } = await ran(["--server-name", "two", "session", "show", "s7"], {
    ...there,
    "/sessions/s7": none,
  });
  assert.equal(error, none);
});

test("a certificate that another server of the campus has signed is genuine, and it is said whose it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-cli-"));
  try {
    const key = newSigningKey();
    const file = join(folder, "certificate.json");
    writeFileSync(file, signCertificate(sampleCertificate, signerOf(key)));
    const pin = pinOf(spkiOf(key));
    const own = { key: `sha256:${"A".repeat(43)}=`, since: "t", earlier: [] };
    const check = (campus: unknown) =>
      ran(["report", "check", file], { "/trust": { signing: { ...own, campus } } });
    const genuine = await check([{ server: "library", key: pin }]);
    assert.equal(genuine.error, null);
    assert.equal(genuine.said.at(-1), "That is a key of the server library of its campus.");
    assert.match(String((await check([])).error), /it is not ours: it was signed by sha256:/);
    const trust = {
      ...{ gate: "https://10.0.0.1:8443", key: own.key, since: "t", next: null },
      ...{ signing: { ...own, campus: [{ server: "library", key: pin }] }, told: [], away: [] },
    };
    const { said } = await ran(["trust", "show"], { "/trust": trust });
    assert(said.join("\n").includes(`Those of library are signed by ${pin}`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
