/**
 * The main job between real processes with real sockets on disk files: capture, restore by multicast,
 * and what can go wrong meanwhile.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageView, MemberView, SessionView } from "../../core/wire/views.ts";
import { run } from "../room/run.ts";
import { checksum, fillDisk, type Host, type HostRoom, mib, openHostRoom } from "./hosts.ts";

const diskBytes = 32 * mib;
/** Slow enough that something can happen in the middle: some 22 MiB stored take 9 s. */
const slowConfig = "[cast]\nrateMbps = 20\n";

let room: HostRoom;
let master: Host;
let clones: Host[];
let masterSum = 0;
let config = "";

before(async () => {
  room = await openHostRoom();
  config = join(room.folder, "slow.toml");
  await writeFile(config, slowConfig);
  await room.startServer();
  master = await room.addHost(1, diskBytes);
  await fillDisk(master.disk, diskBytes, 7);
  masterSum = await checksum(master.disk);
  clones = [];
  for (const number of [2, 3, 4]) clones.push(await room.addHost(number, diskBytes));
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle" || state === "waiting").length === 4,
    30,
  );
  await room.roomcast("room", "create", "lab");
  for (const { name } of clones) await room.roomcast("pc", "set", name, "--room", "lab");
});

after(() => room?.close());

const memberOf = (session: SessionView, name: string): MemberView => {
  const found = session.members.find((member) => member.name === name);
  assert(found !== undefined, `${name} is a member`);
  return found;
};

async function spoil(hosts: readonly Host[]): Promise<void> {
  for (const { disk } of hosts) await fillDisk(disk, diskBytes, 99);
}

async function assertClones(hosts: readonly Host[]): Promise<void> {
  for (const { disk, name } of hosts)
    assert.equal(await checksum(disk), masterSum, `${name}'s disk`);
}

/** Starts a restore to the room and answers its id. */
async function startRestore(...extra: string[]): Promise<string> {
  const answer = await room.roomcast("restore", "base", "--room", "lab", ...extra);
  assert.equal(answer.status, 0, answer.stderr);
  return (answer.value as SessionView).id;
}

/** Waits until some of the cast has arrived at the PC. */
const untilReceiving = (id: string, name: string): Promise<SessionView> =>
  room.until(
    () => room.session(id),
    (session) => memberOf(session, name).bytesReceived > 4 * mib,
    30,
  );

const untilOver = (id: string, seconds: number): Promise<SessionView> =>
  room.until(
    () => room.session(id),
    ({ endedAt }) => endedAt !== null,
    seconds,
  );

test("a capture becomes an image that verifies", async () => {
  const captured = await room.roomcast("capture", master.name, "base", "--wait");
  assert.equal(captured.status, 0, captured.stderr);
  const shown = await room.roomcast("image", "show", "base");
  const image = shown.value as ImageView;
  assert.deepEqual(
    [image.name, image.version, image.diskBytes, image.chunks],
    ["base", 1, diskBytes, 32],
  );
  assert.equal((await room.roomcast("image", "verify", "base@1")).status, 0);
  assert.equal(await checksum(master.disk), masterSum, "a capture only reads");
});

test("a restore gives every PC of the room the same disk, and says so", async () => {
  await spoil(clones);
  const restored = await room.roomcast("restore", "base", "--room", "lab", "--wait");
  const session = restored.value as SessionView;
  assert.equal(restored.status, 0, `${restored.stderr} ${JSON.stringify(session?.members)}`);
  const image = (await room.roomcast("image", "show", "base")).value as ImageView;
  for (const member of session.members) {
    assert.deepEqual([member.result, member.rootHash], ["verified", image.rootHash]);
  }
  assert(session.bytesSent < 1.5 * image.storedBytes, `${session.bytesSent} bytes for three`);
  await assertClones(clones);
});

test("the server is started again and knows everything", async () => {
  await room.endServer("SIGTERM");
  await room.startServer("--config", config);
  const pcs = await room.until(
    () => room.pcs(),
    (all) => all.every(({ state }) => state === "idle" || state === "waiting"),
    20,
  );
  assert.deepEqual(
    pcs.map(({ name, room: place }) => `${name} ${place}`),
    ["host1 default", "host2 lab", "host3 lab", "host4 lab"],
  );
  const images = (await room.roomcast("image", "list")).value as ImageView[];
  assert.deepEqual(
    images.map(({ name, version }) => `${name}@${version}`),
    ["base@1"],
  );
});

test("an agent that is killed is failed at once, stops nobody, comes back and finishes", async () => {
  await spoil(clones);
  const [victim] = clones as [Host];
  const id = await startRestore();
  await untilReceiving(id, victim.name);
  await victim.kill();
  const killed = await room.until(
    () => room.session(id),
    (session) => memberOf(session, victim.name).result === "failed",
    8,
  );
  assert.match(memberOf(killed, victim.name).reason ?? "", /stopped answering/);
  await sleep(500);
  victim.start();
  const over = await untilOver(id, 90);
  assert.deepEqual(
    over.members.map(({ result }) => result),
    ["verified", "verified", "verified"],
  );
  assert(memberOf(over, victim.name).chunksKept > 0, "it kept what its disk had");
  await assertClones(clones);
});

test("a server that is killed in mid-restore comes back and finishes", async () => {
  await spoil(clones);
  const id = await startRestore();
  await untilReceiving(id, "host3");
  await room.endServer("SIGKILL");
  await room.startServer("--config", config);
  const over = await untilOver(id, 90);
  assert.deepEqual(
    over.members.map(({ result, reason }) => ({ result, reason })),
    [0, 1, 2].map(() => ({ result: "verified", reason: null })),
  );
  await assertClones(clones);
});

test("a PC that comes late gets everything; one that stays dead is named", async () => {
  await spoil(clones);
  const [dead] = clones as [Host];
  const id = await startRestore();
  await untilReceiving(id, "host4");
  // The session waits for it, however quick the others are.
  await dead.kill();
  const late = await room.addHost(5, diskBytes);
  await fillDisk(late.disk, diskBytes, 5);
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.some(({ name }) => name === "host5"),
    60,
  );
  await room.roomcast("pc", "set", "host5", "--room", "lab");
  const over = await untilOver(id, 90);
  assert.equal(memberOf(over, "host5").result, "verified");
  assert.equal(memberOf(over, dead.name).result, "failed");
  assert.equal(over.state, "done");
  await assertClones([...clones.slice(1), late]);
  const status = await room.roomcast("session", "watch", id);
  assert.equal(status.status, 1, "not everyone is verified");
  await late.kill();
  dead.start();
  await room.roomcast("pc", "set", "host5", "--room", "default");
});

test("a disk that is too small is refused before a byte is written", async () => {
  const small = await room.addHost(6, diskBytes / 2);
  await fillDisk(small.disk, diskBytes / 2, 6);
  const sum = await checksum(small.disk);
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.some(({ name }) => name === "host6"),
    60,
  );
  const beforehand = await room.roomcast("restore", "base", "--pc", "host6", "--wait");
  assert.equal(beforehand.status, 4, "nothing so small can be made of the image");
  assert.match(beforehand.stderr, /base@1 uses .*, and the disk of host6 has /);
  const never = ["--pc", "host6", "--fit", "never", "--wait"];
  const refused = await room.roomcast("restore", "base", ...never);
  assert.equal(refused.status, 4, "by the safety rule");
  assert.match(memberOf(refused.value as SessionView, "host6").reason ?? "", /small/);
  assert.equal(await checksum(small.disk), sum);
  await small.kill();
});

test("two disks of one size are refused by name, and neither is touched", async () => {
  const second = join(room.folder, "second.disk");
  await writeFile(second, new Uint8Array(diskBytes).fill(3));
  const twin = await room.addHost(8, diskBytes, "--disk", second);
  await fillDisk(twin.disk, diskBytes, 8);
  const sums = await Promise.all([twin.disk, second].map((path) => checksum(path)));
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.some(({ name, disks }) => name === "host8" && disks.length === 2),
    60,
  );
  const refused = await room.roomcast("restore", "base", "--pc", "host8", "--wait");
  assert.equal(refused.status, 4);
  const { reason, refused: byRule } = memberOf(refused.value as SessionView, "host8");
  assert(byRule && reason?.includes(twin.disk) && reason.includes(second), reason ?? "");
  const wiped = await room.roomcast("pc", "wipe", "host8");
  assert.equal(wiped.status, 4, wiped.stderr);
  assert(wiped.stderr.includes(twin.disk) && wiped.stderr.includes(second), wiped.stderr);
  assert.deepEqual(await Promise.all([twin.disk, second].map((path) => checksum(path))), sums);
  const named = ["--pc", "host8", "--disk", second, "--wait"];
  assert.equal((await room.roomcast("restore", "base", ...named)).status, 0);
  assert.equal(await checksum(second), masterSum);
  assert.equal(await checksum(twin.disk), sums[0], "the other one is as it was");
  await twin.kill();
});

test("a restore without the operator's word is refused", async () => {
  const refused = await run(
    [
      process.execPath,
      join(import.meta.dirname, "../../bin/roomcast.js"),
      ...["--data", room.data, "restore", "base", "--room", "lab"],
    ],
    { accept: [0, 1, 2, 3, 4, 5] },
  );
  assert.equal(refused.status, 4, refused.stderr);
});

test("an agent with a wrong server address says what to check, and goes on trying", async () => {
  const { namespace } = await room.network.addHost(7);
  const lines: string[] = [];
  await run(
    [
      process.execPath,
      join(import.meta.dirname, "../../bin/roomcast.js"),
      ...["agent", "--server", "http://10.77.0.250:8080", "--headless", "--interface", "eth0"],
      ...["--disk", clones[0]?.disk ?? ""],
    ],
    { namespace, onLine: (line) => void lines.push(line), timeoutMs: 15_000, accept: [-1] },
  );
  assert.match(lines.join("\n"), /10\.77\.0\.250/);
  assert.match(lines.join("\n"), /check/i);
});

test("a flipped bit in the store is named, and never written as if it were right", async () => {
  await spoil(clones);
  const packs = globSync(join(room.data, "store/**/*.pack"));
  const [pack] = packs;
  assert(pack !== undefined, "there is a pack");
  const { size } = await stat(pack);
  await using file = await open(pack, "r+");
  // All chunks are equally long: in the middle, one ends.
  const place = Math.floor(size / 3);
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, place);
  await file.write(Buffer.of((byte[0] ?? 0) ^ 0x10), 0, 1, place);
  await file.sync();

  const verified = await room.roomcast("image", "verify", "base");
  assert.equal(verified.status, 5);
  const { damaged } = verified.value as { damaged: { chunkIndex: number }[] };
  assert.equal(damaged.length, 1);

  const restored = await room.roomcast("restore", "base", "--room", "lab", "--wait");
  assert.equal(restored.status, 1);
  for (const member of (restored.value as SessionView).members) {
    assert.equal(member.result, "failed");
    assert.match(member.reason ?? "", new RegExp(`chunk ${damaged[0]?.chunkIndex}\\b`));
  }
  for (const { disk } of clones) assert.equal(await hasBootSector(disk), false, "unbootable");
  await file.write(byte, 0, 1, place);
});

test("a store that fills up during a capture is a clear error, and no half image is seen", async () => {
  await room.endServer("SIGTERM");
  const store = join(room.data, "store");
  const mounted = ["-t", "tmpfs", "-o", "size=12m", "tmpfs", store];
  await run(["mount", ...mounted]);
  try {
    await room.startServer();
    await room.until(
      () => room.pcs(),
      (pcs) => pcs.some(({ name, state }) => name === "host1" && state !== "offline"),
      20,
    );
    const captured = await room.roomcast("capture", master.name, "big", "--wait");
    assert.equal(captured.status, 1, captured.stderr);
    assert.match(memberOf(captured.value as SessionView, "host1").reason ?? "", /space|full|free/i);
    assert.deepEqual((await room.roomcast("image", "list")).value, []);
    await room.endServer("SIGTERM");
  } finally {
    await run(["umount", store]);
  }
});

test("nobody's log has a stack trace", () => {
  for (const log of globSync(join(room.folder, "*.log"))) {
    const text = readFileSync(log, "utf8");
    assert.doesNotMatch(text, /\n\s+at .+:\d+:\d+\)?\n/, log);
  }
});

async function hasBootSector(disk: string): Promise<boolean> {
  await using file = await open(disk, "r");
  const sector = Buffer.alloc(512);
  await file.read(sector, 0, 512, 0);
  return sector.some((byte) => byte !== 0);
}
