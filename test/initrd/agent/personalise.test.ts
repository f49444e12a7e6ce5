/** An agent that makes a restored Linux the PC's own, as the server says who that is. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Personal } from "../../../core/wire/personal.ts";
import { runAgent } from "../../../initrd/agent/run.ts";
import { tool } from "../../imaging/capture/disks.ts";
import {
  atPlace,
  copyInto,
  makeDisk,
  makeFileSystem,
  makeTree,
  masterFiles,
  mountedAt,
  personalOf,
} from "../../imaging/personalise/linux-disk.ts";
import { type FakeImage, imageOf } from "../../imaging/restore/fake-disk.ts";
import { type FakeServer, openFakeServer, session } from "./fake-server.ts";
import { httpReceiver } from "./http-receiver.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-personal-"));
after(() => rmSync(folder, { recursive: true }));
const master = join(folder, "master");
const [place] = makeDisk(master, [40]);
assert(place !== undefined);
let image: FakeImage;
before(async () => {
  const tree = makeTree(join(folder, "tree"), masterFiles);
  await makeFileSystem(master, place, "ext4", copyInto(tree));
  image = imageOf(new Uint8Array(readFileSync(master)));
});

/** An agent with a disk of its own, restored by this server. */
async function restored(
  personal: unknown,
  work: (server: FakeServer, disk: string, log: () => string) => Promise<void>,
): Promise<void> {
  const server = await openFakeServer(image);
  server.personal = personal;
  const disk = join(folder, "disk");
  const log = join(folder, "log");
  writeFileSync(disk, new Uint8Array(image.content.length).fill(0xa5));
  const ending = new AbortController();
  const status = runAgent({
    ...{ server: server.url, pins: [server.pin], keyFile: null, disks: [disk], interface: null },
    ...{ mac: "52:54:00:00:00:07", name: "pc1", headless: true, once: false, logPath: log },
    ...{ signal: ending.signal, startReceiver: httpReceiver(server) },
  });
  try {
    await server.heardOf("hello");
    await work(server, disk, () => readFileSync(log, "utf8"));
  } finally {
    ending.abort();
    await status;
    await server.close();
    rmSync(disk);
    rmSync(log);
  }
}

const hostName = (disk: string): Promise<string> =>
  atPlace(disk, place, (device) =>
    mountedAt(device, "ro", (root) => readFileSync(join(root, "etc/hostname"), "utf8")),
  );

test("the disk is verified as cast, and then is this PC's own, step by step", async () => {
  const steps = [{ name: "wait", script: "sleep 2; echo $ROOMCAST_MAC" }];
  await restored(personalOf("lab1-a1", { steps }), async (server, disk, log) => {
    server.restore();
    const at = await server.heardOf("progress", ({ phase }) => phase === "personalising");
    assert.equal(at.bytesDone, at.counters?.bytesVerified);
    await server.heardOf("alive", ({ state }) => state === "personalising");
    const end = await server.ended();
    assert.deepEqual([end.outcome, end.reason], ["verified", null]);
    assert.equal(end.rootHash, server.rootHash);
    assert.equal(await hostName(disk), "lab1-a1\n");
    const named = end.steps?.find(({ name }) => name === "Linux on partition 1: host name");
    assert.deepEqual(named?.files, ["/etc/hostname", "/etc/hosts"]);
    assert.equal(end.steps?.at(-1)?.detail, "52:54:00:00:00:07");
    assert.match(log(), /Linux on partition 1: host name: done, lab1-a1/);
  });
});

test("without a grant for it the disk stays as it was cast", async () => {
  await restored(null, async (server, disk) => {
    server.restore();
    const end = await server.ended();
    assert.deepEqual([end.outcome, end.steps], ["verified", []]);
    assert(readFileSync(disk).equals(image.content));
  });
});

test("a step that fails makes the PC failed, with the reason and the cure; the root hash stays", async () => {
  const steps = [
    { name: "licence", script: "echo no licence server; exit 7" },
    { name: "last", script: "true" },
  ];
  await restored(personalOf("lab1-a1", { steps }), async (server, disk) => {
    server.restore();
    const end = await server.ended();
    assert.equal(end.outcome, "failed");
    assert.match(end.reason ?? "", /own step licence: ended with 7: no licence server/);
    assert.match(end.next ?? "", /--personalise none/);
    assert.equal(end.rootHash, server.rootHash);
    assert.equal(end.steps?.at(-1)?.name, "own step last");
    assert.equal(await hostName(disk), "lab1-a1\n");
  });
});

test("a grant that was refused waits for the order to come again", async () => {
  await restored(personalOf("lab1-a1"), async (server, disk) => {
    server.restore();
    server.personalGrant = "newer";
    await server.heardOf("progress", ({ phase }) => phase === "personalising");
    while (server.refused === 0) await new Promise((wake) => setTimeout(wake, 50));
    server.restore();
    assert.equal((await server.ended()).outcome, "verified");
    assert.equal(await hostName(disk), "lab1-a1\n");
  });
});

test("what would be more than a line of a file is refused before the disk is touched", async () => {
  const name: Personal["name"] = "lab1\nroot::0:0";
  await restored(personalOf(name), async (server, disk) => {
    server.restore();
    const end = await server.ended();
    assert.match(end.reason ?? "", /this PC's name, address and keys is invalid/);
    assert.equal(await hostName(disk), "master\n");
  });
});

test("a stop while a script runs ends it; nothing stays mounted", async () => {
  const steps = [{ name: "slow", script: "sleep 300" }];
  await restored(personalOf("lab1-a1", { steps }), async (server, disk, log) => {
    server.restore();
    await server.heardOf("progress", ({ phase }) => phase === "personalising");
    while (!log().includes("host name: done")) await new Promise((wake) => setTimeout(wake, 50));
    server.say({ type: "cancel", session, attempt: 1, reason: "stopped by ann" });
    assert.equal((await server.ended()).outcome, "stopped");
    // A loop device that is mounted does not go.
    assert.equal(tool("losetup", ["-j", disk]), "");
  });
});
