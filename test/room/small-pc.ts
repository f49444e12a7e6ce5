/**
 * `make test-small-pc`: a restore on the smallest PC that is promised, with 512 MB and two cores, and what memory
 * it takes there.
 */
import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { openPcShell } from "./pc-shell.ts";
import { isSameDisk, openRoom, type Room, roomFolder } from "./room-run.ts";

/** Some six times what a quiet machine with two cores and no KVM takes. */
const limitMs = 900_000;
const mib = 1024 * 1024;
const diskBytes = 1024 * mib;

await mkdir(roomFolder, { recursive: true });
const room = await openRoom();
let isDone = false;
try {
  await restoreSmall(room);
  isDone = true;
} finally {
  await room.close(!isDone);
}

async function restoreSmall({ data, folder, lab, start }: Room): Promise<void> {
  const master = join(folder, "disks", "master.raw");
  await makeMaster(master);
  await lab.command("image", "import", master, "master", "--raw");
  const pc = await start({
    ...{ name: "small", number: 1, firmware: "bios", nic: "virtio", bus: "ahci" },
    ...{ memoryMib: 512, cores: 2, content: { fill: 0xa5, size: diskBytes } },
  });
  await pc.waitForSerial(/roomcast: registered as/, limitMs);
  await lab.waitForPcs([pc.mac], ["idle"], 30_000);
  using shell = await openPcShell(data, pc.mac);
  const agent = "$(pidof node)";
  const field = (name: string, file: string): Promise<number> =>
    shell.run(`sed -n 's/^${name}: *//p' ${file}`).then((said) => Number.parseInt(said, 10) / 1024);
  const sizeOf = (name: string): Promise<number> => field(name, `/proc/${agent}/status`);
  const atMenu = await sizeOf("VmRSS");
  const free = await field("MemAvailable", "/proc/meminfo");
  console.log(`of ${Math.round(await field("MemTotal", "/proc/meminfo"))} MiB at the menu:`);
  console.log(`  the agent has ${Math.round(atMenu)} MiB, and ${Math.round(free)} MiB are free`);
  await shell.run(
    "(while sleep 0.3; do sed -n 's/^MemAvailable: *//p' /proc/meminfo; done >/tmp/free) & true",
  );
  const words = ["restore", "master", "--pc", pc.mac, "--personalise", "none", "--wait"];
  const restored = await lab.watch(words, () => {});
  const members = restored.value?.members ?? [];
  assert.equal(restored.status, 0, `${restored.stderr} ${JSON.stringify(members)}`);
  const most = await sizeOf("VmHWM");
  const least = Number.parseInt(await shell.run("sort -n /tmp/free | head -n 1"), 10) / 1024;
  console.log("restored and verified; at most:");
  console.log(`  the agent had ${Math.round(most)} MiB, and ${Math.round(least)} MiB were free`);
  assert.equal(
    await shell.run("grep -c 'compiled anew' /run/roomcast/agent.stderr"),
    "0",
    "V8 takes there what was compiled here",
  );
  assert.equal(await shell.run("dmesg | grep -ci 'out of memory'"), "0");
  assert.equal(pc.serial().split("roomcast: agent starting").length, 2, "the agent never fell");
  assert(await isSameDisk(master, pc.disk), "the disk is the image's");
}

/** Blocks of random bytes, of text and of nothing in turns, so that an image has chunks of every size. */
async function makeMaster(path: string): Promise<void> {
  await using file = await open(path, "w");
  const random = Buffer.alloc(mib);
  const text = Buffer.from("a small PC in the last row, ".repeat(mib)).subarray(0, mib);
  for (let place = 0; place < diskBytes; place += mib) {
    const kind = (place / mib) % 4;
    if (kind === 3) continue;
    await file.write(kind === 2 ? text : randomFillSync(random), 0, mib, place);
  }
  await file.truncate(diskBytes);
}
