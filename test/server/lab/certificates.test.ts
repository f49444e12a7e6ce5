/** What the server signs of a session: only when it is over, and with all that a reader of the paper asks. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { certified } from "../../../client/cli/certificate.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { checkBytes } from "../../../core/node/ed25519.ts";
import type { WipeRecord } from "../../../core/wire/wipe.ts";
import type { End } from "../../../core/wire/work.ts";
import type { NamedRestore } from "../../../server/lab/session-orders.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

const counters = {
  ...{ bytesWanted: mib, bytesReceived: mib, bytesWritten: mib, bytesVerified: mib },
  ...{ chunksKept: 0, chunksWritten: 1, forgedPackets: 0, lossRatio: 0, writeBps: null },
};
const online = new Set<string>();
let api: TestApi;
let image: Manifest;
let pcs: string[];

beforeEach(async () => {
  online.clear();
  const agents = {
    isConnected: (pc: string) => online.has(pc),
    send: () => true,
    sendBytes() {},
    disconnect() {},
    refusedLogins: new Map<string, number>(),
  };
  api = await openApi("local", { agents });
  image = await write(api.images, [new Uint8Array(mib).fill(7)]);
  pcs = [1, 2].map((number) => {
    const login = loginOf(helloOf(`52:54:00:00:00:0${number}`, { disks: [diskOf(number)] }), {
      kind: "tpm",
    });
    const { pc } = api.lab.connections.login(login);
    online.add(pc);
    api.lab.connections.connected(pc, login);
    api.lab.pcs.set(pc, { name: `lab1-a${number}`, seat: `A${number}` }, "ann");
    return pc;
  });
});
afterEach(() => api.close());

const order = {
  ...{ room: null, disk: null, failingDisks: [], delta: false, start: "now" },
  ...{
    startTimeoutSeconds: null,
    verify: "read-back",
    afterwards: "stay",
    proveBootSeconds: null,
    canary: null,
    fit: "never" as const,
    personalise: "auto",
  },
} as const satisfies Partial<NamedRestore>;

function ends(pc: string, session: string, end: Partial<End>): void {
  const at = { session, attempt: 1 };
  const disk = diskOf(pcs.indexOf(pc) + 1);
  api.lab.connections.message(pc, { type: "ready", ...at, disk, counters });
  const whole = { outcome: "verified" as const, reason: null, next: null, rootHash: null };
  const report = { ...at, phase: "done" as const, end: { ...whole, counters, ...end } };
  api.lab.connections.message(pc, { type: "alive", state: "idle", report });
}

const certificateOf = async (id: string) => {
  const { status, body } = await api.call("GET", `/sessions/${id}/certificate`);
  return { status, body };
};

async function restored(): Promise<string> {
  const request = { ...order, image: image.id, pcs };
  const { id } = api.lab.orders.restore(request, { operator: "ann", shown: null });
  const early = await certificateOf(id);
  assert.deepEqual([early.status, early.body.code], [409, "conflict"]);
  assert.match(early.body.message, /nothing of it is certain yet/);
  const [good = "", bad = ""] = pcs;
  const steps = [
    { name: "host name", result: "done" as const, detail: "lab1-a1", files: ["/etc/hostname"] },
  ];
  ends(good, id, { rootHash: image.rootHash, steps });
  ends(bad, id, { outcome: "failed", reason: "write error at 3 GB" });
  await api.lab.sessions.over(id);
  return id;
}

test("a restore that is over is certified: who ordered it, which disk became what, what was changed after", async () => {
  const id = await restored();
  const answer = await api.app.inject({ method: "GET", url: `/api/v1/sessions/${id}/certificate` });
  const { body: trust } = await api.call("GET", "/trust");
  const checked = checkBytes(answer.rawPayload, [trust.signing.key]);
  assert(checked.ok, checked.ok ? "" : checked.reason);
  const { document } = checked.value;
  assert.deepEqual(
    [document.orderedBy, document.image, document.verify, document.kind],
    ["ann", { name: "lab@1", rootHash: image.rootHash }, "read-back", "restore"],
  );
  const [good, bad] = document.pcs;
  const { model, serial, wwn, size } = diskOf(1);
  assert.deepEqual(good?.disk, { model, serial, wwn, size });
  assert.deepEqual(
    [good?.name, good?.seat, good?.room, good?.macs, good?.result, good?.rootHash, good?.boot],
    ["lab1-a1", "A1", "default", ["52:54:00:00:00:01"], "verified", image.rootHash, null],
  );
  assert.deepEqual(good?.steps[0]?.files, ["/etc/hostname"]);
  assert.deepEqual([bad?.result, bad?.reason], ["failed", "write error at 3 GB"]);
  assert(good?.endedAt !== null && document.session.endedAt >= (good?.endedAt ?? ""));
  assert.match(
    certified(checked.value),
    /^2 PCs, 1 verified, of session s1 \(restore of lab@1\), signed by sha256:/,
  );
});

test("a PC that was forgotten since is certified by what the session knows of it", async () => {
  const id = await restored();
  const [good = ""] = pcs;
  online.delete(good);
  api.lab.pcs.forget(good);
  const { body } = await certificateOf(id);
  const [pc] = body.document.pcs;
  assert.deepEqual(
    [pc.id, pc.room, pc.seat, pc.macs, pc.result],
    [good, null, null, [], "verified"],
  );
});

const proof = {
  ...{ way: "zero", sanitization: "clear", detail: "zeros written to every sector" },
  readBack: { bytes: 500, diskBytes: 500, finding: "zeros", detail: "all 500 B read as zeros" },
} as const satisfies WipeRecord;

test("a wipe is certified: who asked for it, which disk, how, NIST's word, and what was read back", async () => {
  const [pc = ""] = pcs;
  const wipe = { action: "wipe", method: "zero", disk: diskOf(1).path } as const;
  api.lab.connections.message(pc, { type: "ask", want: wipe });
  const [request] = api.lab.requests.list();
  const { id } = api.lab.requests.yes(request?.id ?? "", "ann");
  const disk = { ...diskOf(1), serial: "as-wiped" };
  ends(pc, id, { outcome: "done", wipe: { ...proof, disk } });
  const { members } = await api.lab.sessions.over(id);
  assert.match(members[0]?.steps[0]?.detail ?? "", /zeros written.*NIST SP 800-88: clear/);
  const { body } = await certificateOf(id);
  const { document } = body;
  const [certifiedPc] = document.pcs;
  assert.deepEqual([document.kind, document.orderedBy, document.image], ["wipe", "ann", null]);
  assert.deepEqual([certifiedPc.disk.serial, certifiedPc.result], ["as-wiped", "verified"]);
  assert.deepEqual(certifiedPc.wipe, proof);
});

test("a wipe that could not be read back is certified as done, and not as verified", async () => {
  const [pc = ""] = pcs;
  const order = { pc, method: "discard", disk: null, failingDisks: [] } as const;
  const { id } = api.lab.orders.wipe(order, { operator: "ann", shown: null });
  const readBack = { ...proof.readBack, bytes: 0, finding: "unverifiable" as const };
  const way = { way: "discard" as const, sanitization: null, detail: "discarded" };
  ends(pc, id, { outcome: "done", wipe: { ...way, readBack, disk: diskOf(1) } });
  await api.lab.sessions.over(id);
  const { body } = await certificateOf(id);
  const [{ result, wipe }] = body.document.pcs;
  assert.deepEqual([result, wipe.sanitization], ["done", null]);
});

test("a capture is refused in words, and a session that never was is not found", async () => {
  const capture = { pc: pcs[0] ?? "", name: "base", disk: null, raw: false };
  const { id } = api.lab.orders.capture(capture, null);
  api.lab.sessions.stop(id);
  const { status, body } = await certificateOf(id);
  assert.deepEqual([status, body.code], [409, "conflict"]);
  assert.match(body.message, /is a capture/);
  assert.equal((await certificateOf("s99")).status, 404);
});

/** The command line on this lab's local socket. */
async function commandLine() {
  await api.app.listen({ path: join(api.folder, "roomcast.sock") });
  const program = join(import.meta.dirname, "../../../client/main.ts");
  const env = { ...process.env, ROOMCAST_DATA: api.folder };
  return async (...words: string[]) => {
    const ran = promisify(execFile)(process.execPath, [program, ...words], { env });
    const { stdout, stderr, code = 0 } = await ran.catch((error) => error);
    return { stdout, stderr, code };
  };
}

test("`pc wipe --certificate` says what was done, keeps the certificate, and never overwrites one", async () => {
  const [pc = ""] = pcs;
  const run = await commandLine();
  const file = join(api.folder, "wipe.json");
  const words = ["--yes", "pc", "wipe", "lab1-a1", "--method", "zero", "--certificate", file];
  const wiping = run(...words);
  const until = Date.now() + 20_000;
  while (api.lab.sessions.activeCount === 0 && Date.now() < until) await sleep(20);
  ends(pc, "s1", { outcome: "done", wipe: { ...proof, disk: diskOf(1) } });
  const { stdout, stderr, code } = await wiping;
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^lab1-a1: wiped\n {2}zeros written.*: clear\n {2}all 500 B read as zeros\n/,
  );
  const checked = await run("report", "check", file);
  assert.match(checked.stdout, /^1 PC, 1 verified, of session s1 \(wipe of disk S3Z9NB0K0001\)/);
  const again = await run(...words);
  assert.deepEqual([again.code, api.lab.sessions.activeCount], [4, 0]);
  assert.match(again.stderr, /wipe\.json is there already/);
});

test("the command line writes certificate and pages, and checks them with and without the server", async () => {
  const id = await restored();
  const run = await commandLine();
  const at = (name: string): string => join(api.folder, name);
  const pages = ["--pages", at("pages.html")];
  const made = await run("report", id, "--format", "certificate", ...pages);
  assert.equal(made.code, 0, made.stderr);
  await writeFile(at("c.json"), made.stdout);
  assert.match(
    await readFile(at("pages.html"), "utf8"),
    /<h1>lab1-a1<\/h1>[\s\S]*<h1>lab1-a2<\/h1>/,
  );

  const here = await run("report", "check", at("c.json"));
  assert.match(here.stdout, /^2 PCs, 1 verified, of session s1 .*\nThis server has that key\.\n$/);
  const { body: trust } = await api.call("GET", "/trust");
  const away = ["--data", at("nowhere")];
  const offline = await run(...away, "report", "check", at("c.json"));
  assert.equal(offline.code, 0, offline.stderr);
  assert.match(offline.stdout, /No server was asked: compare the key/);
  assert(offline.stdout.includes(trust.signing.key));
  const pinned = await run(...away, "report", "check", at("c.json"), "--key", trust.signing.key);
  assert.equal(pinned.code, 0, pinned.stderr);
  const other = await run("report", "check", at("c.json"), "--key", trust.key);
  assert.equal(other.code, 5);
  assert.match(other.stderr, /not genuine: it is not ours/);
  await writeFile(at("d.json"), made.stdout.replace('"failed"', '"verified"'));
  const forged = await run(...away, "report", "check", at("d.json"));
  assert.equal(forged.code, 5);
  assert.match(forged.stderr, /^roomcast: .*d\.json is not genuine: it was changed after/);
  assert.equal((await run(...away, "report", "check", at("none.json"))).code, 5);
  assert.equal((await run("report", "check", at("c.json"), "--key", "x")).code, 2);
});
