/** Secrets that were given out or typed in are nowhere in what is logged, kept, listed or answered. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
import { reportCsv, reportHtml } from "../../client/cli/report.ts";
import type { Personal } from "../../core/wire/personal.ts";
import type { SessionView } from "../../core/wire/views.ts";
import { jsonLines, logTo } from "../../server/host/log.ts";
import type { Method } from "../server/api/open-api.ts";
import { type Granted, openGranted } from "../server/gate/granted.ts";

const pin = "9753186420";
const instructorPin = "8642097531";
const log = new PassThrough({ encoding: "utf8" });
let lab: Granted;
let token = "";
/** Each with what it is. */
let secrets: Readonly<Record<string, string>> = {};
/** What the server keeps in its database for PCs, and nowhere else. */
let keptSecrets: Readonly<Record<string, string>> = {};
/** A private key that somebody took for a public one. */
const mistaken = "bm90IGEga2V5LCBidXQgcGFzdGVkIGFzIGlmIGl0IHdlcmUgb25l";
const stepPassword = "tango-7319-whiskey";

before(async () => {
  lab = await openGranted({ log: logTo(jsonLines(log)) });
  const { api } = lab;
  ({ token } = await api.operators.add("eve", "admin"));
  const work = ["image", "upload", "send", "receive", "personal"] as const;
  const seals = [...work, "list", "targets", "check"] as const;
  secrets = {
    pin,
    instructorPin,
    ...{ token: token.slice(token.indexOf(".") + 1), mistaken },
    ...Object.fromEntries(seals.map((role) => [role, lab.grant(role).split("/").at(-1) ?? ""])),
  };
});
after(() => lab.close());

const call = (method: Method, path: string, body?: unknown) =>
  lab.api.call(method, path, body, token);

/** What is done with them, rightly and wrongly. */
async function useThem(): Promise<void> {
  const { api, pcs, capture } = lab;
  const roles = ["image", "upload", "send", "receive", "personal", "list", "check"] as const;
  // A PC of a room with a PIN may look at nothing before it was typed.
  const grants = roles.map((role) => lab.grant(role));
  await call("PATCH", "/rooms/default", { pin, instructorPin });
  await call("PATCH", "/rooms/default", { pin: `${pin}x` });
  await call("PATCH", "/rooms/nowhere", { pin });
  await call("POST", "/operators", { name: "eve", role: "admin" });
  await api.call("DELETE", "/pcs/pc1", undefined, `${token}x`);
  await giveOwn();
  for (const grant of grants) {
    for (const shown of [grant, `${grant}x`])
      for (const url of ["/gate/v2/images", `/gate/v2/captures/${capture}/known`, "/gate/v2/none"])
        for (const method of ["GET", "POST"] as const) {
          const headers = { authorization: `Bearer ${shown}` };
          const answer = await api.app.inject({ method, url, headers });
          assertNone(answer.body, `the answer to ${method} ${url}`);
        }
  }
  const [first = ""] = pcs;
  api.lab.connections.message(first, { type: "unlock", pin: `${pin}x` });
  api.lab.connections.message(first, { type: "unlock", pin });
  const work = { session: capture, attempt: 1 };
  const end = {
    outcome: "failed",
    reason: "the disk",
    next: null,
    rootHash: null,
    counters: null,
  } as const;
  api.lab.connections.message(first, {
    type: "alive",
    state: "failed",
    report: { ...work, phase: "done", end },
  });
  api.lab.connections.lost(first, "the PC stopped answering");
}

/** A PC fetches its host keys and its steps, and an admin pastes the wrong key. */
async function giveOwn(): Promise<void> {
  const { api, imageId, restore } = lab;
  const script = `#!/bin/sh\necho ${stepPassword} | realm join\n`;
  await call("POST", `/images/${imageId}/steps`, { name: "join.sh", script });
  await call("POST", `/images/${imageId}/steps`, { name: "join.sh", script });
  const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${mistaken}\n-----END OPENSSH PRIVATE KEY-----\n`;
  assert.equal((await call("POST", "/ssh-keys", { name: "eve", text })).status, 400);
  const answer = await api.app.inject({
    ...{ method: "GET", url: `/gate/v2/personal/${restore}` },
    headers: { authorization: `Bearer ${lab.grant("personal")}` },
  });
  const { hostKeys, steps }: Personal = answer.json();
  assert.equal(steps[0]?.script, script);
  keptSecrets = {
    stepPassword,
    ...Object.fromEntries(
      (hostKeys ?? []).map(({ type, privateKey }) => [
        `host key ${type}`,
        privateKey.split("\n").at(-4) ?? "",
      ]),
    ),
  };
  assert.equal(Object.keys(keptSecrets).length, 4, "the step's, and a key of each type");
}

function assertNone(text: string, where: string, more = keptSecrets): void {
  for (const [what, secret] of Object.entries({ ...secrets, ...more })) {
    assert(secret.length > 8, what);
    assert(!text.includes(secret), `the ${what} is in ${where}`);
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

test("no secret is in the log, in any file of the data folder, or in what anybody can list", async () => {
  await useThem();
  // What was decided is written in a turn of its own.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const logged = String(log.read());
  assert.match(logged, /change a room's settings, pin=…/, "the log was written");
  assertNone(logged, "the log");

  const files = filesBelow(lab.api.folder);
  assert(files.some((path) => path.endsWith("state.db")));
  for (const path of files) {
    const isDatabase = /state\.db(-\w+)?$/.test(path);
    assertNone(readFileSync(path, "latin1"), path, isDatabase ? {} : keptSecrets);
  }

  const paths = [
    ...["/pcs", "/rooms", "/images", "/sessions", "/schedule", "/operators", "/history"],
    ...["/ssh-keys", "/rooms/default/export", `/images/${lab.imageId}`],
  ];
  for (const path of [...paths, "/history?limit=10000", "/openapi.json", "/metrics", "/status"]) {
    const { body, status } = await call("GET", path);
    assert.equal(status, 200, path);
    assertNone(typeof body === "string" ? body : JSON.stringify(body), path);
  }
  const { body: sessions } = await call("GET", "/sessions");
  const { body: events } = await call("GET", "/history?limit=10000");
  for (const session of sessions as SessionView[]) {
    assertNone(reportCsv(session), "a report as CSV");
    assertNone(reportHtml(session, events), "a report as HTML");
  }
});

test("a PC is told its own grant, and nobody another's", () => {
  const [first, second, third, fourth] = lab.pcs;
  const owners = { upload: first, send: second, receive: third, image: fourth } as const;
  for (const [role, owner] of Object.entries(owners)) {
    const told = lab.said.filter(({ message }) =>
      JSON.stringify(message).includes(secrets[role] ?? ""),
    );
    assert(told.length > 0, role);
    for (const { pc } of told) assert.equal(pc, owner, role);
  }
});
