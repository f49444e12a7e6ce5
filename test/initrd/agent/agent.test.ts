/** A whole agent on a disk file, against a server that the test plays. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, type TestFn, test as unlimited } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { rootHashOfEntries } from "../../../core/image/merkle.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { writeSha256 } from "../../../core/node/hash.ts";
import { chunkBytes, chunkLengthAt } from "../../../core/units/units.ts";
import type { Alive } from "../../../core/wire/agent-message.ts";
import { controlProtocol } from "../../../core/wire/login.ts";
import type { AgentOptions } from "../../../initrd/agent/run.ts";
import { runAgent } from "../../../initrd/agent/run.ts";
import { castKeys } from "../../core/cast/keys.ts";
import { fakeImage } from "../../imaging/restore/fake-disk.ts";
import { cancel, type FakeServer, openFakeServer, session } from "./fake-server.ts";
import { httpReceiver } from "./http-receiver.ts";

const test = (name: string, run: TestFn): void => void unlimited(name, { timeout: 120_000 }, run);

const folder = mkdtempSync(join(tmpdir(), "roomcast-agent-"));
after(() => rmSync(folder, { recursive: true }));

const mib = chunkBytes;
/** The last chunk is short. */
const diskBytes = 9 * mib + 20 * 1024;
const image = fakeImage(diskBytes, { unused: [3], zero: [6] });
let files = 0;

/** A file full of other data. */
function newDisk(size = diskBytes): string {
  const path = join(folder, `disk${files++}.raw`);
  writeFileSync(path, new Uint8Array(size).fill(0xa5));
  return path;
}

interface Running {
  readonly server: FakeServer;
  readonly disk: string;
  readonly log: string;
  readonly status: Promise<number>;
  end(): Promise<void>;
}

const rawLength = ({ chunkIndex }: IndexEntry): number => chunkLengthAt(chunkIndex, diskBytes);

async function start(
  more: Partial<AgentOptions> = {},
  disk = newDisk(),
  captured: readonly IndexEntry[] = image.entries,
): Promise<Running> {
  const server = await openFakeServer(image, 0, captured);
  const log = join(folder, `agent${files++}.log`);
  writeFileSync(log, "");
  const ending = new AbortController();
  const status = runAgent({
    server: server.url,
    pins: [server.pin],
    keyFile: null,
    disks: [disk],
    interface: null,
    mac: "52:54:00:00:00:01",
    name: "pc1",
    headless: true,
    once: false,
    logPath: log,
    signal: ending.signal,
    startReceiver: httpReceiver(server),
    ...more,
  });
  return {
    server,
    disk,
    log,
    status,
    async end() {
      ending.abort();
      await status;
      await server.close();
    },
  };
}

/** The image is on the disk, and what the image leaves out was discarded: of a file, it reads as zeros. */
function assertRestored(disk: string, old = 0): void {
  const expected = Buffer.from(image.content);
  expected.fill(old, 3 * mib, 4 * mib);
  const found = readFileSync(disk);
  for (let at = 0; at < expected.length; at += mib) {
    const end = Math.min(at + mib, expected.length);
    const isSame = found.compare(expected, at, end, at, end) === 0;
    assert(isSame, `chunk ${at / mib}`);
  }
}

const isBlank = (disk: string, from: number, to: number): boolean =>
  readFileSync(disk)
    .subarray(from, to)
    .every((byte) => byte === 0);

suite("an agent", { concurrency: true }, () => {
  test("it says who it is, and that it is alive", async () => {
    const { server, disk, log, end } = await start();
    const hello = await server.heardOf("hello");
    assert.deepEqual(hello.identity, { uuid: null, serials: [], macs: ["52:54:00:00:00:01"] });
    assert.deepEqual([hello.mac, hello.ip, hello.name], ["52:54:00:00:00:01", "127.0.0.1", "pc1"]);
    assert.deepEqual(
      hello.disks.map(({ path, size, transport }) => ({ path, size, transport })),
      [{ path: disk, size: diskBytes, transport: "file" }],
    );
    assert.deepEqual([hello.state, hello.report], ["idle", null]);
    await server.heardOf("alive");
    await end();
    assert.match(readFileSync(log, "utf8"), /registered as pc1/);
  });

  test("a disk that appears later is told of", async () => {
    const disk = newDisk();
    rmSync(disk);
    const { server, end } = await start({}, disk);
    assert.deepEqual((await server.heardOf("hello")).disks, []);
    writeFileSync(disk, new Uint8Array(mib));
    const again = await server.heardOf("hello", ({ disks }) => disks.length > 0);
    assert.equal(again.disks[0]?.size, mib);
    await end();
  });

  test("an image whose chunks have other forms than when it was captured is restored, with its root hash", async () => {
    // As a capture of a disk that does not compress.
    const captured = image.entries.map((entry) =>
      entry.codec === codec.zero
        ? entry
        : { ...entry, codec: codec.raw, storedLength: rawLength(entry), crc32c: 7 },
    );
    const { server, disk, status } = await start({ once: true }, newDisk(), captured);
    await server.heardOf("hello");
    server.restore();
    const result = await server.ended();
    assert.equal(result.reason, null);
    assert.deepEqual([result.outcome, result.rootHash], ["verified", server.rootHash]);
    assert.notEqual(server.rootHash, rootHashOfEntries(image.entries, writeSha256));
    assert.equal(await status, 0);
    assertRestored(disk);
    await server.close();
  });

  test("a restore: wants, ready, progress, and a disk that is verified", async () => {
    const { server, disk, status, log } = await start({ once: true });
    await server.heardOf("hello");
    server.restore();
    const ready = await server.heardOf("ready");
    assert.deepEqual([ready.session, ready.attempt, ready.disk.path], [session, 1, disk]);
    assert.equal(ready.counters.bytesWanted, diskBytes - mib);
    const result = await server.ended();
    assert.equal(result.reason, null);
    assert.deepEqual([result.outcome, result.rootHash], ["verified", server.rootHash]);
    assert.equal(result.counters?.bytesVerified, diskBytes - mib);
    assert.equal(result.counters?.chunksWritten, image.entries.length);
    assert.equal(result.counters?.lossRatio, 0.1 / 1.1);
    // All but the empty one.
    assert.deepEqual([...(server.wants[0] ?? [])], [0b11011111, 0b1]);
    assert(server.reports.length > 5);
    assert.equal(await status, 0);
    assertRestored(disk);
    assert.match(readFileSync(log, "utf8"), /receiving base@1[\s\S]*verified/);
    await server.close();
  });

  test("a flipped bit on the way is never written; one in the store is named", async () => {
    const { server, disk, status } = await start({ once: true });
    await server.heardOf("hello");
    let flips = 2;
    server.spoil = (entryIndex, stored) => {
      if (entryIndex === 4 && flips-- > 0) stored[10] = (stored[10] as number) ^ 1;
      return stored;
    };
    server.restore();
    const result = await server.ended();
    assert.equal(result.outcome, "verified", String(result.reason));
    assert.equal(await status, 0);
    assertRestored(disk);
    await server.close();

    const second = await start({ once: true });
    await second.server.heardOf("hello");
    second.server.spoil = (entryIndex, stored) => {
      if (entryIndex === 4) stored[10] = (stored[10] as number) ^ 1;
      return stored;
    };
    second.server.restore();
    const failed = await second.server.ended();
    assert.equal(failed.outcome, "failed");
    // Chunk 3 is not in the image.
    assert.match(failed.reason ?? "", /chunk 5\b/);
    assert.equal(await second.status, 1);
    assert(isBlank(second.disk, 0, mib), "it does not start");
    assert(isBlank(second.disk, 5 * mib, 6 * mib), "the wrong chunk is not there");
    await second.server.close();
  });

  test("a disk that is too small is refused with status 4, untouched", async () => {
    const disk = newDisk(5 * mib);
    const { server, status } = await start({ once: true }, disk);
    await server.heardOf("hello");
    server.restore();
    const result = await server.ended();
    assert.deepEqual([result.outcome, result.rootHash], ["refused", null]);
    assert.match(result.reason ?? "", /too small/);
    assert.equal(await status, 4);
    assert(readFileSync(disk).every((byte) => byte === 0xa5));
    await server.close();
  });

  test("two disks are refused, and a named one is used alone", async () => {
    const [one, other] = [newDisk(), newDisk()];
    const { server, end } = await start({ disks: [one, other] });
    await server.heardOf("hello");
    server.restore();
    assert.match((await server.ended()).reason ?? "", /which of 2 disks is meant/);
    await server.heardOf("alive", ({ state }) => state === "failed");
    server.restore({ disk: other, attempt: 2 });
    assert.equal((await server.ended({ attempt: 2 })).outcome, "verified");
    assertRestored(other);
    assert(
      readFileSync(one).every((byte) => byte === 0xa5),
      "not chosen: not touched",
    );
    await end();
  });

  test("the disk that is named is left alone when the order is for another one", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    const meant = { path: disk, size: diskBytes, model: "SSD", serial: "SYSTEM", wwn: null };
    server.restore({ disk, meant });
    const { outcome, reason } = await server.ended();
    assert.deepEqual([outcome, /does not show the disk/.test(reason ?? "")], ["refused", true]);
    server.wipe({ disk, meant });
    assert.equal((await server.ended({ session: "w1" })).outcome, "refused");
    assert(readFileSync(disk).every((byte) => byte === 0xa5));
    server.restore({ disk, meant: { ...meant, model: null, serial: null }, attempt: 2 });
    assert.equal((await server.ended({ attempt: 2 })).outcome, "verified");
    await end();
  });

  test("stopped in the middle, the disk does not start", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    server.chunkDelay = 100;
    server.restore();
    await server.heardOf("progress", ({ counters }) => (counters?.bytesReceived ?? 0) > 2 * mib);
    server.say(cancel({ session, attempt: 1 }, "stopped by an operator"));
    const result = await server.ended();
    assert.deepEqual([result.outcome, result.reason], ["stopped", "stopped by an operator"]);
    assert(isBlank(disk, 0, mib));
    assert(isBlank(disk, 9 * mib, diskBytes));
    await end();
  });

  test("a connection that breaks in the middle does not stop the work, and no order is needed to go on", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    server.chunkDelay = 400;
    server.restore();
    await server.heardOf("progress", ({ counters }) => (counters?.bytesReceived ?? 0) > 2 * mib);
    server.cut();
    const before = server.heard.length;
    const reportsBefore = server.reports.length;
    const hello = await server.heardOf("hello", undefined, before);
    assert.deepEqual(hello.report, { session, attempt: 1, phase: "working", end: null });
    // The server repeats its order until it has seen it reported: it is at it already.
    server.restore({ scan: true });
    const ready = await server.heardOf("ready", undefined, before);
    assert(ready.counters.bytesReceived > 2 * mib, "it goes on where it was");
    const wanted = server.wants.at(-1) ?? new Uint8Array();
    assert.equal((wanted[0] as number) & 1, 0, "what it has is not wanted again");
    // And a full report follows, among those that go on.
    while (!server.reports.slice(reportsBefore).some(([first]) => first === 9)) await sleep(20);
    const result = await server.ended();
    assert.equal(result.outcome, "verified");
    assert.equal(result.counters?.chunksKept, 0);
    assertRestored(disk);
    await end();
  });

  test("an end that nobody heard is reported in the next hello, and until it is settled", async () => {
    const { server, status, log } = await start({ once: true });
    await server.heardOf("hello");
    server.chunkDelay = 100;
    server.restore();
    await server.heardOf("progress", ({ counters }) => (counters?.bytesReceived ?? 0) > 2 * mib);
    server.welcome = null;
    server.cut();
    // It finishes while nobody listens.
    while (!/ verified$/m.test(readFileSync(log, "utf8"))) await sleep(50);
    const before = server.heard.length;
    server.welcome = { protocol: controlProtocol, name: "pc1" };
    server.settles = false;
    server.cut();
    const { report } = await server.heardOf("hello", undefined, before);
    assert.deepEqual([report?.phase, report?.end?.outcome], ["done", "verified"]);
    const isDone = (alive: Alive): boolean => alive.report?.phase === "done";
    await server.heardOf("alive", isDone, before);
    await server.heardOf("alive", isDone, server.heard.length);
    server.settles = true;
    assert.equal(await status, 0);
    await server.close();
  });

  test("another order while it is busy changes nothing, until what is under way was cancelled", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    server.chunkDelay = 80;
    server.restore();
    await server.heardOf("ready");
    server.wipe();
    server.say(cancel({ session, attempt: 2 }, "of another attempt"));
    await server.heardOf("progress", ({ counters }) => (counters?.bytesReceived ?? 0) > 2 * mib);
    assert(server.heard.every((each) => each.type !== "alive" || each.report?.session !== "w1"));
    server.say(cancel({ session, attempt: 1 }, "something else is wanted"));
    server.wipe();
    assert.equal((await server.ended({ session: "w1" })).outcome, "done");
    assert(isBlank(disk, 0, diskBytes));
    // The end of what was stopped was not wanted any more.
    const ends = server.heard.filter((each) => each.type === "alive" && each.report?.end != null);
    assert(ends.every((each) => each.type === "alive" && each.report?.session === "w1"));
    await end();
  });

  test("what is no message of ours is ignored", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '{"type":"restore"}',
      '{"type":"format","disk":"sda"}',
    ]) {
      server.say(text);
    }
    server.say(
      JSON.stringify({ type: "wipe", session: 7, attempt: 1, disk: null, method: "zero" }),
    );
    const before = server.heard.length;
    await server.heardOf("alive", undefined, before);
    assert.equal(server.connections, 1);
    assert(readFileSync(disk).every((byte) => byte === 0xa5));
    await end();
  });

  test("a host that roomcast did not boot is not restarted", async () => {
    const { server, log, end } = await start();
    await server.heardOf("hello");
    for (const action of ["reboot", "poweroff", "boot-disk"] as const) {
      server.say({ type: "power", action });
    }
    await server.heardOf("alive", undefined, server.heard.length);
    const said = readFileSync(log, "utf8");
    for (const action of ["reboot", "poweroff", "boot-disk"]) {
      assert.match(said, new RegExp(`${action} refused`));
    }
    await end();
  });

  for (const method of ["discard", "zero"] as const) {
    test(`a wipe by ${method} leaves nothing`, async () => {
      const { server, disk, status } = await start({ once: true });
      await server.heardOf("hello");
      server.wipe({ method });
      const { outcome, wipe } = await server.ended({ session: "w1" });
      assert.equal(outcome, "done");
      assert.equal(await status, 0);
      assert(isBlank(disk, 0, diskBytes));
      assert.deepEqual(
        [wipe?.way, wipe?.sanitization, wipe?.disk.path],
        [method, method === "zero" ? "clear" : null, disk],
      );
      const { bytes, finding } = wipe?.readBack ?? {};
      assert.deepEqual([bytes, finding], [diskBytes, "zeros"], "a file's holes read as zeros");
      await server.close();
    });
  }

  test("a server of another version is named, and tried again", async () => {
    const server = await openFakeServer(image);
    server.welcome = { protocol: controlProtocol + 1, name: "pc1" };
    const log = join(folder, "version.log");
    writeFileSync(log, "");
    const ending = new AbortController();
    const status = runAgent({
      server: server.url,
      pins: [server.pin],
      keyFile: null,
      disks: [],
      interface: null,
      mac: null,
      name: null,
      headless: true,
      once: false,
      logPath: log,
      signal: ending.signal,
    });
    const said = `speaks protocol ${controlProtocol + 1}, this agent ${controlProtocol}; restart this PC`;
    while (!readFileSync(log, "utf8").includes(said)) await sleep(20);
    assert.deepEqual(server.heard, [], "it says nothing of itself there");
    ending.abort();
    await status;
    await server.close();
  });

  test("a server with another key than the pinned one is told nothing, and named on the log", async () => {
    const { server, log, end } = await start({ pins: [`sha256:${"A".repeat(43)}=`] });
    while (!readFileSync(log, "utf8").includes("not connected")) await sleep(20);
    assert.match(
      readFileSync(log, "utf8"),
      /shows the key sha256:\S+, and the right one is sha256:AA/,
    );
    assert.deepEqual([server.connections, server.heard], [0, []]);
    await end();
  });

  test("an agent that is killed in the middle scans when it comes back, and finishes", async () => {
    const server = await openFakeServer(image);
    server.chunkDelay = 100;
    const disk = newDisk();
    const launch = () =>
      spawn(
        process.execPath,
        [
          "--disable-warning=ExperimentalWarning",
          join(import.meta.dirname, "agent-process.ts"),
          server.url,
          server.pin,
          disk,
        ],
        { stdio: ["ignore", "ignore", "inherit"] },
      );
    const first = launch();
    const hello = await server.heardOf("hello");
    server.restore();
    await server.heardOf("progress", ({ counters }) => (counters?.bytesWritten ?? 0) > 3 * mib);
    first.kill("SIGKILL");
    await new Promise((resolve) => first.on("exit", resolve));
    assert(isBlank(disk, 0, mib), "half done, it does not start");
    const before = server.heard.length;
    const second = launch();
    const again = await server.heardOf("hello", undefined, before);
    assert.equal(again.report, null);
    assert.notEqual(again.instance, hello.instance);
    server.restore({ scan: true, attempt: 2 });
    const result = await server.ended({ attempt: 2 });
    assert.equal(result.outcome, "verified", String(result.reason));
    const kept = result.counters?.chunksKept ?? 0;
    assert(kept >= 3, `${kept} chunks kept`);
    assert.equal(await new Promise((resolve) => second.on("exit", resolve)), 0);
    assertRestored(disk);
    await server.close();
  });

  /** No packet of a cast reaches it. */
  const deaf = (forget: (entryIndex: number) => void = () => {}) =>
    ({
      async startReceiver(_, events) {
        const counts = { packets: 0, packetsLost: 0, packetsDropped: 0, packetsIgnored: 0 };
        const none = { ...counts, packetsForged: 0, bytesReceived: 0, heard: null };
        const counting = setInterval(() => events.stats({ ...none }), 100);
        return {
          ...{ forget, announce() {}, refresh() {}, rekey() {} },
          close: async () => clearInterval(counting),
          ended: new Promise(() => {}),
        };
      },
    }) satisfies Partial<AgentOptions>;
  /** The server says what it has sent to the room, and how fast it does. */
  const sending = (server: FakeServer): NodeJS.Timeout => {
    const figures = { members: 1, verified: 0, failed: 0, progress: 0, secondsLeft: null };
    const room = { ...figures, rateBps: 5e8 };
    const tell = () =>
      server.say({ type: "room", session, room, sent: { generation: 7, from: 100 } });
    return setInterval(() => server.isConnected && tell(), 500);
  };

  test("a server that was started anew gives another grant, and the restore goes on with it", async () => {
    const { server, disk, status, log } = await start({ once: true, ...deaf() });
    await server.heardOf("hello");
    server.grant = "a canary in a grant";
    server.restore();
    await server.heardOf("ready");
    const teller = sending(server);
    server.chunkDelay = 100;
    while (server.chunksServed < 3) await sleep(10);
    server.grant = "of the next start";
    while (server.refused === 0) await sleep(10);
    const before = server.heard.length;
    server.cut();
    await server.heardOf("hello", undefined, before);
    // What else the order says does not count any more.
    server.restore({ verify: "written", imageId: "x" });
    const result = await server.ended();
    clearInterval(teller);
    assert.deepEqual([result.outcome, result.reason], ["verified", null]);
    assert.equal(await status, 0);
    assertRestored(disk);
    assert.doesNotMatch(readFileSync(log, "utf8"), /canary|of the next start/);
    await server.close();
  });

  test("when the multicast does not arrive, the chunks are fetched over HTTP", async () => {
    const forgotten: number[] = [];
    const { server, disk, status, log } = await start({
      once: true,
      ...deaf((entryIndex) => void forgotten.push(entryIndex)),
    });
    await server.heardOf("hello");
    server.restore();
    await server.heardOf("ready");
    const teller = sending(server);
    const result = await server.ended();
    clearInterval(teller);
    assert.equal(result.outcome, "verified");
    assert.equal(await status, 0);
    assertRestored(disk);
    assert.equal(forgotten.length, image.entries.length - 1);
    assert.match(readFileSync(log, "utf8"), /no multicast reaches this PC.*IGMP/);
    const { way, reason } = await server.heardOf("delivery");
    assert.equal(way, "http");
    assert.match(reason ?? "", /no multicast reaches this PC.*IGMP/);
    await server.close();
  });

  test("the sender of a live cast says its entries again after a break, and ends when all have it", async () => {
    const { server, disk, status } = await start({ once: true });
    await server.heardOf("hello");
    const work = { session, attempt: 1 };
    const cast = { tag: 77, group: "239.77.1.1", port: 7401, keys: castKeys };
    server.say({
      ...{ type: "cast", ...work, grant: server.grant, image: "base@1", disk, raw: true, cast },
      ...{ rateLimitBps: null, delta: false },
    });
    const chunkCount = Math.ceil(diskBytes / mib);
    const saidFrom = (after: number): number =>
      Math.max(0, ...server.entries.slice(after).map(({ first, count }) => first + count));
    while (server.plans === 0 || saidFrom(0) < chunkCount) await sleep(20);
    const stats = await server.heardOf("cast-stats");
    assert.deepEqual([stats.session, stats.attempt], [session, 1]);
    const { phase } = await server.heardOf("progress", ({ diskBusy }) => (diskBusy ?? 1) < 0.9);
    assert.equal(phase, "sending", "who has read all of the disk has an idle one");
    // Nothing was told yet: all of it may be lost.
    const before = server.entries.length;
    server.cut();
    while (saidFrom(before) < chunkCount) await sleep(20);
    assert.equal(server.entries[before]?.first, 0);
    server.say({ type: "told", ...work, entryCount: chunkCount });
    await server.heardOf("progress", ({ bytesDone }) => bytesDone === diskBytes);
    server.say({ type: "finish", session, attempt: 2 });
    server.say({ type: "finish", ...work });
    assert.equal((await server.ended()).outcome, "done");
    assert.equal(await status, 0);
    assert(readFileSync(disk).every((byte) => byte === 0xa5));
    await server.close();
  });

  test("a PC that failed is let in again by the same session", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    server.restore({ imageId: "none" });
    assert.equal((await server.ended()).outcome, "failed");
    server.restore({ attempt: 2 });
    const result = await server.ended({ attempt: 2 });
    assert.equal(result.outcome, "verified", String(result.reason));
    assertRestored(disk);
    await end();
  });

  test("an order that comes right after a cancel waits for the disk, and is begun", async () => {
    const { server, disk, end } = await start();
    await server.heardOf("hello");
    server.chunkDelay = 100;
    server.restore();
    await server.heardOf("progress", ({ counters }) => (counters?.bytesReceived ?? 0) > 2 * mib);
    server.say(cancel({ session, attempt: 1 }, "stopped by an operator"));
    server.restore({ attempt: 2 });
    server.chunkDelay = 0;
    const result = await server.ended({ attempt: 2 });
    assert.equal(result.outcome, "verified", String(result.reason));
    assertRestored(disk);
    await end();
  });

  test("a larger disk loses its own end, and what lies between", async () => {
    const disk = newDisk(12 * mib);
    const { server, status } = await start({ once: true }, disk);
    await server.heardOf("hello");
    server.restore();
    assert.equal((await server.ended()).outcome, "verified");
    assert.equal(await status, 0);
    assert(isBlank(disk, 11 * mib, 12 * mib));
    assert(isBlank(disk, 10 * mib, 11 * mib), "discarded");
    truncateSync(disk, diskBytes);
    assertRestored(disk);
    await server.close();
  });
});
