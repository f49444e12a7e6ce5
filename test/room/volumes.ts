/**
 * `make test-volumes`: a Linux in logical volumes, captured by one PC and restored to another one with a larger disk.
 * There the agent needs loop devices of the boot image's own kernel, which no test on a host can see.
 */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageView } from "../../core/wire/views.ts";
import { lvm, mib, type Place, tool } from "../imaging/capture/disks.ts";
import {
  atPlace,
  copyInto,
  first,
  makeDisk,
  makeFileSystem,
  mountedAt,
  textAt,
  treeWith,
} from "../imaging/personalise/linux-disk.ts";
import { bootLine, repository } from "./lab.ts";
import { macOf, type Pc } from "./pc.ts";
import { type DiskContent, openRoom, type Room, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

/** As much as `pxe.test.ts` has for it. */
const bootMs = 720_000;
const diskMib = 300;
const largerBytes = 512 * mib;

const say = (text: string): void => console.log(new Date().toISOString().slice(11, 19), text);

await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
await mkdir(roomFolder, { recursive: true });
const room = await openRoom();
let isDone = false;
try {
  await captureAndRestore(room);
  isDone = true;
} finally {
  if (!isDone) say(`the logs are in ${room.folder}`);
  await room.close(!isDone);
}

async function captureAndRestore({ folder, lab }: Room): Promise<void> {
  const master = join(folder, "disks", "master.raw");
  const root = await makeMaster(master);
  const sender = await switchOn("sender", 1, { copyOf: master });
  const captured = await lab.watch(["capture", sender.mac, "volumes", "--wait"], () => {});
  assert.equal(captured.status, 0, captured.stderr);
  await sender.powerOff();
  const image = await lab.command<ImageView>("image", "show", "volumes");
  say(`captured: ${image.usedBytes} bytes in use, ${image.warnings.join("; ")}`);
  assert.deepEqual(image.warnings, [], "no volume is taken whole");
  assert(image.usedBytes < root.size / 2, "what is free in the volumes is in no chunk");

  const receiver = await switchOn("lab1-a1", 2, { fill: 0xa5, size: largerBytes });
  await lab.command("pc", "set", receiver.mac, "--name", receiver.name);
  await lab.command("room", "set", "default", "--secrets", "unproven");
  const words = ["restore", "volumes", "--pc", receiver.mac, "--wait"];
  const restored = await lab.watch(words, () => {});
  const [member] = restored.value?.members ?? [];
  for (const { name, result, detail } of member?.steps ?? []) say(`${name}: ${result}, ${detail}`);
  assert.equal(restored.status, 0, `${restored.stderr} ${member?.reason}`);
  await receiver.powerOff();

  // Whatever lies behind it now is no concern of the file system's.
  const grown = { start: root.start, size: largerBytes - root.start };
  assert.equal(await textAt(receiver.disk, grown, "etc/hostname"), "lab1-a1\n");
  const blocks = await atPlace(receiver.disk, grown, (device) =>
    mountedAt(device, "ro", (where) => tool("stat", ["-f", "-c", "%b %S", where])),
  );
  const [count = 0, blockBytes = 0] = blocks.split(" ").map(Number);
  const added = largerBytes - diskMib * mib;
  assert(count * blockBytes > root.size + added / 2, `it has ${count * blockBytes} bytes`);
}

/** A volume group with root and, behind it, swap, as Debian's guided partitioning makes it. Answers root's place. */
async function makeMaster(path: string): Promise<Place> {
  const partition = first(makeDisk(path, [diskMib - 3]));
  const make = ["lvcreate", "--yes", "-an", "-Zn", "-Wn"];
  lvm(path, partition, [
    ["pvcreate", "PV"],
    ["vgcreate", "-s", "4M", "debian-vg", "PV"],
    [...make, "-l", "60", "-n", "root", "debian-vg"],
    [...make, "-l", "8", "-n", "swap_1", "debian-vg"],
  ]);
  // LVM's own takes the first MiB.
  const root = { start: partition.start + mib, size: 60 * 4 * mib };
  const swap = { start: root.start + root.size, size: 8 * 4 * mib };
  await makeFileSystem(path, root, "ext4", copyInto(treeWith(dirname(path), {})));
  await atPlace(path, swap, (device) => tool("mkswap", ["-q", device]));
  return root;
}

async function switchOn(name: string, number: number, content: DiskContent): Promise<Pc> {
  const boot = join(repository, "build", "boot");
  const pc = await room.start({
    ...{ name, number, firmware: "bios", nic: "virtio", bus: "nvme", content },
    kernel: {
      kernel: join(boot, "vmlinuz"),
      initrd: join(boot, "initrd.img"),
      append: bootLine(room.lab, macOf(number)),
    },
  });
  await pc.waitForSerial(/roomcast: registered as/, bootMs);
  await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
  return pc;
}
