/**
 * The whole way with nothing simulated but the PCs' hardware: power-on, PXE, agent, capture, multicast
 * restore over dirty disks, comparison from outside, and a boot from the restored disks. One PC has a
 * BIOS and a disk like the master's, the other UEFI and a larger disk, into which the system grows.
 */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { HistoryEvent } from "../../core/wire/api.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { compareDisks, freeExtents } from "./compare.ts";
import { loginPrompt } from "./debian.ts";
import { faultsOfGrown } from "./grown.ts";
import { hostKeysAt } from "./host-keys.ts";
import { repository } from "./lab.ts";
import { masterDisk } from "./master.ts";
import type { Pc } from "./pc.ts";
import { fillDisk, isSameDisk, openRoom, type Room, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

/** Nine times what a quiet machine with two cores and no KVM takes; making the master is in it. */
const limitMs = { boot: 720_000, ownBoot: 600_000, all: 2_700_000 };
/** What the clones' disks are full of before: a block that is left out shows, and so does a zero that is not written. */
const oldByte = 0xa5;
/** Not on the grid of chunks. */
const largerBytes = 2 ** 30 + 300 * 1024 * 1024 + 7 * 512;

test("a BIOS and a UEFI PC: from power-on to their restored disks", {
  timeout: limitMs.all,
}, async (t) => {
  const say = (text: string): void => t.diagnostic(text);
  await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
  await mkdir(roomFolder, { recursive: true });
  const masterImage = await masterDisk(roomFolder, say);
  const room = await openRoom();
  const pcs: Pc[] = [];
  let isDone = false;
  try {
    const bios = await room.start({
      name: "pc1",
      number: 1,
      firmware: "bios",
      nic: "virtio",
      bus: "nvme",
      content: { copyOf: masterImage },
    });
    const uefi = await room.start({
      name: "pc2",
      number: 2,
      firmware: "uefi",
      nic: "virtio",
      bus: "nvme",
      content: { fill: oldByte, size: largerBytes },
    });
    pcs.push(bios, uefi);
    const startedAt = performance.now();
    const elapsed = (what: string): void =>
      say(`${what} after ${Math.round((performance.now() - startedAt) / 1000)} s`);

    await Promise.all(pcs.map((pc) => pc.waitForSerial(/roomcast: registered as/, limitMs.boot)));
    const macs = pcs.map(({ mac }) => mac);
    const views = await room.lab.waitForPcs(macs, ["idle"], 30_000);
    elapsed("both have registered");
    assert.deepEqual(
      views.map(({ firmware }) => firmware),
      ["bios", "uefi"],
    );
    for (const [index, view] of views.entries()) {
      assert.deepEqual(
        view.disks.map(({ serial, size }) => ({ serial, size })),
        [{ serial: `ROOMDISK${index + 1}`, size: index === 0 ? 2 ** 30 : largerBytes }],
      );
    }

    const captured = await room.lab.watch(["capture", bios.mac, "lab", "--wait"], () => {});
    assert.equal(captured.status, 0, captured.stderr);
    elapsed("captured");
    assert(await isSameDisk(masterImage, bios.disk), "a capture only reads");
    const image = await room.lab.command<ImageView>("image", "show", "lab");
    assert.equal(image.diskBytes, 2 ** 30);
    assert.equal(image.partitionTable, "gpt");

    // The master's own disk is spoilt, so that it has to get everything back.
    await fillDisk(bios.disk, oldByte);
    const both = ["--pc", bios.mac, "--pc", uefi.mac];
    // One of them may be ready a minute before the other, and would have had most of it by then.
    const words = ["restore", "lab", ...both, "--personalise", "none", "--start", "all", "--wait"];
    const restored = await room.lab.watch(words, () => {});
    elapsed("restored");
    const members = restored.value?.members ?? [];
    assert.equal(restored.status, 0, `${restored.stderr} ${JSON.stringify(members)}`);
    assert.deepEqual(
      members.map(({ result, rootHash }) => ({ result, rootHash })),
      [0, 1].map(() => ({ result: "verified", rootHash: image.rootHash })),
    );
    // To each on its own it would be twice the image; headers and repairs stay below that. A PC that this host has
    // no time for loses what is sent, and is served after the other.
    const { id = "", bytesSent = 0 } = restored.value ?? {};
    const events = await room.lab.command<HistoryEvent[]>("history", "--session", id);
    const late = events.filter(({ text }) => text.startsWith("in the catch-up lane"));
    for (const { pcName, text } of late) say(`${pcName}: ${text}`);
    const limit = late.length === 0 ? 1.8 : 4;
    assert(
      bytesSent > 0.9 * image.storedBytes && bytesSent < limit * image.storedBytes,
      `${bytesSent} bytes for an image of ${image.storedBytes}: not one stream for both`,
    );

    const free = await freeExtents(masterImage);
    const comparison = await compareDisks({ master: masterImage, clone: bios.disk }, free, oldByte);
    assert.deepEqual(comparison.faults, [], "the disk that is like the master's");
    assert.deepEqual(
      members[1]?.steps.map(({ name, result }) => `${name}: ${result}`),
      ["partition table: done", "growth of partition 3: done", "file system of partition 3: done"],
    );
    assert.deepEqual(await faultsOfGrown(uefi.disk), [], "the larger disk");
    elapsed("compared");

    const said = pcs.map((pc) => pc.serial().length);
    // Nothing differs from the image but what is each PC's own.
    await room.lab.command("room", "set", "default", "--secrets", "unproven");
    const again = ["restore", "lab", ...both, "--delta", "--start", "all", "--then", "boot-disk"];
    const own = await room.lab.watch([...again, "--wait"], () => {});
    elapsed("restored as themselves, and up");
    const ownMembers = own.value?.members ?? [];
    assert.equal(own.status, 0, `${own.stderr} ${JSON.stringify(ownMembers)}`);
    assert.deepEqual(
      ownMembers.map(({ boot }) => ({ state: boot?.state, name: boot?.name })),
      pcs.map(({ name }) => ({ state: "up", name })),
    );
    await Promise.all(
      pcs.map((pc, index) => pc.waitForSerial(loginPrompt(pc.name), limitMs.ownBoot, said[index])),
    );
    elapsed("both are at their own login prompts");
    const hostKeys = await Promise.all(views.map(({ ip }) => hostKeysAt(room.network, ip ?? "")));
    assert.equal(new Set(hostKeys.flat()).size, hostKeys.flat().length, "no key is both PCs'");
    isDone = true;
  } finally {
    if (!isDone) await keepScreens(room, pcs, say);
    await room.close(!isDone);
  }
});

async function keepScreens(
  room: Room,
  pcs: readonly Pc[],
  say: (text: string) => void,
): Promise<void> {
  for (const pc of pcs) await pc.screen(join(room.folder, `${pc.name}.png`)).catch(() => {});
  say(`serial logs, the server's log and screens are in ${room.folder}`);
}
