/**
 * `make test-disks`: clones on every kind of disk, of the master's size and larger, those on NVMe up to
 * their own login prompt; the disks that must not be touched; and those that erase themselves. `--rows TEXT`
 * takes only rows whose title has that text.
 */
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import type { SessionView } from "../../core/wire/views.ts";
import { compareDisks, type Extent, freeExtents } from "./compare.ts";
import { loginPrompt } from "./debian.ts";
import { faultsOfGrown } from "./grown.ts";
import { repository } from "./lab.ts";
import { masterDisk, masterLayout } from "./master.ts";
import type { Pc } from "./pc.ts";
import { fillDisk, isSameDisk, openRoom, type Room, type RoomPc, roomFolder } from "./room-run.ts";
import { run } from "./run.ts";
import { tryWipe, type WipeRow, wipeRows } from "./wipe-rows.ts";

interface DiskRow extends Pick<RoomPc, "firmware" | "bus" | "logicalSector"> {
  readonly title: string;
  readonly size: number;
  /** Of a second disk on the same bus. */
  readonly furtherSize?: number;
  readonly usbSize?: number;
  /** Words after `restore lab --pc PC`. */
  readonly words?: readonly string[];
  /** What the refusal has to say; else the restore is to succeed. */
  readonly refusal?: RegExp;
  /** The kernel's names of the target. */
  readonly device: RegExp;
}

const limitMs = { boot: 240_000, ownBoot: 240_000 };
const oldByte = 0xa5;
const same = masterLayout.diskBytes;
const larger = same + 300 * 1024 * 1024 + 7 * 512;

const rows: readonly DiskRow[] = [
  { title: "NVMe, BIOS, same size", firmware: "bios", bus: "nvme", size: same, device: /nvme0n1$/ },
  { title: "NVMe, BIOS, larger", firmware: "bios", bus: "nvme", size: larger, device: /nvme0n1$/ },
  { title: "NVMe, UEFI, larger", firmware: "uefi", bus: "nvme", size: larger, device: /nvme0n1$/ },
  { title: "SATA, BIOS, larger", firmware: "bios", bus: "ahci", size: larger, device: /sda$/ },
  { title: "SATA, UEFI, same size", firmware: "uefi", bus: "ahci", size: same, device: /sda$/ },
  { title: "SCSI (SAS), BIOS, larger", firmware: "bios", bus: "sas", size: larger, device: /sda$/ },
  {
    title: "SCSI (MegaRAID), BIOS, larger",
    firmware: "bios",
    bus: "megaraid",
    size: larger,
    device: /sda$/,
  },
  {
    title: "SCSI (virtio), UEFI, larger",
    firmware: "uefi",
    bus: "virtio-scsi",
    size: larger,
    device: /sda$/,
  },
  { title: "virtio, BIOS, larger", firmware: "bios", bus: "virtio", size: larger, device: /vda$/ },
  {
    title: "SD card, named by its serial number",
    firmware: "uefi",
    bus: "sd",
    size: 2 * same,
    words: ["--disk", "serial:0xdeadbeef"],
    device: /mmcblk\d$/,
  },
  {
    title: "SD card, not named",
    firmware: "uefi",
    bus: "sd",
    size: 2 * same,
    refusal: /no internal disk/,
    device: /mmcblk\d$/,
  },
  {
    title: "4Kn disk, image of 512-byte sectors",
    firmware: "uefi",
    bus: "nvme",
    size: larger - (larger % 4096),
    logicalSector: 4096,
    refusal: /sectors of 4096 bytes/,
    device: /nvme/,
  },
  {
    title: "smaller disk",
    firmware: "bios",
    bus: "ahci",
    size: same / 2,
    refusal: /too small/,
    device: /sda$/,
  },
  {
    title: "two disks of one size",
    firmware: "bios",
    bus: "virtio",
    size: same,
    furtherSize: same,
    refusal: /which of 2 disks is meant is not clear: .*ROOMDISK\d+.* and .*FURTHER1/,
    device: /vda$/,
  },
  {
    title: "the smaller of two, by name; a USB disk that is larger than both",
    firmware: "bios",
    bus: "ahci",
    size: same,
    furtherSize: larger,
    usbSize: 2 * same,
    words: ["--disk", "/dev/sda"],
    device: /sda$/,
  },
];

const { values } = parseArgs({ options: { rows: { type: "string", default: "" } } });
const wanted = [...rows, ...wipeRows].filter(({ title }) => title.includes(values.rows));
await run([process.execPath, "initrd/build/main.ts"], { cwd: repository });
await mkdir(roomFolder, { recursive: true });
const master = await masterDisk(roomFolder, console.log);
const free = await freeExtents(master);
const room = await openRoom();
let failures = 0;
try {
  await room.lab.command("image", "import", master, "lab");
  const width = Math.max(...wanted.map(({ title }) => title.length));
  for (const [index, row] of wanted.entries()) {
    const startedAt = performance.now();
    const said = await tryRow(room, row, index + 1).catch((error: Error) => {
      failures++;
      return `FAILED: ${error.message}`;
    });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`${row.title.padEnd(width)}  ${said} (${seconds} s)`);
  }
} finally {
  await room.close(failures > 0);
}
if (failures > 0) console.log(`Logs: ${relative(repository, room.folder)}`);
process.exitCode = failures > 0 || wanted.length === 0 ? 1 : 0;

async function tryRow(room: Room, row: DiskRow | WipeRow, number: number): Promise<string> {
  const start = (further: Partial<RoomPc>): Promise<Pc> => {
    const { firmware, bus, size } = row;
    const content = { fill: oldByte, size };
    return room.start({
      ...{ name: `row${number}`, number, firmware, bus, nic: "virtio", content },
      ...further,
    });
  };
  if (!("device" in row)) {
    const { failsToEraseAt } = row;
    const pc = await start(failsToEraseAt === undefined ? {} : { failsToEraseAt });
    return whileOn(room, pc, () => tryWipe(room, row, pc, oldByte));
  }
  const { furtherSize, usbSize, logicalSector } = row;
  const others: string[] = [];
  const other = async (name: string, bytes: number | undefined): Promise<string[]> => {
    if (bytes === undefined) return [];
    const path = join(room.folder, "disks", `row${number}-${name}.raw`);
    await fillDisk(path, 0x3c, bytes);
    others.push(path);
    return [path];
  };
  const furtherDisks = await other("further", furtherSize);
  const [usbDisk] = await other("usb", usbSize);
  const pc = await start({
    furtherDisks,
    ...(logicalSector === undefined ? {} : { logicalSector }),
    ...(usbDisk === undefined ? {} : { usbDisk }),
  });
  return whileOn(room, pc, async () => {
    const words = ["restore", "lab", "--pc", pc.mac, "--personalise", "none"];
    words.push(...(row.words ?? []), "--wait");
    const restored = await room.lab.watch(words, () => {});
    const said = await judge(row, pc, restored);
    await untouched(others, [furtherSize, usbSize]);
    return said;
  });
}

/** The work begins once the PC's agent has nothing to do; the PC is switched off after it. */
async function whileOn(room: Room, pc: Pc, work: () => Promise<string>): Promise<string> {
  try {
    await pc.waitForSerial(/roomcast: registered as/, limitMs.boot);
    await room.lab.waitForPcs([pc.mac], ["idle"], 60_000);
    return await work();
  } finally {
    await pc.screen(join(room.folder, `${pc.name}.png`)).catch(() => {});
    await pc.powerOff();
  }
}

async function judge(
  row: DiskRow,
  pc: Pc,
  { status, value, stderr }: { status: number; value: SessionView | undefined; stderr: string },
): Promise<string> {
  const member = value?.members[0];
  if (row.refusal !== undefined) {
    if (status !== 4 || !row.refusal.test(member?.reason ?? "")) {
      throw new Error(`not refused: ${status} ${member?.reason} ${stderr}`);
    }
    await untouched([pc.disk], [row.size], oldByte);
    return `refused with exit 4, untouched: ${member?.reason?.slice(0, 100)}`;
  }
  if (status !== 0) throw new Error(`${status} ${member?.reason} ${stderr}`);
  if (!row.device.test(member?.disk?.path ?? "")) throw new Error(`on ${member?.disk?.path}`);
  const faults = await faultsOf(row, pc, free);
  if (faults.length > 0) throw new Error(faults.join("; "));
  const looked = row.size > same ? "grown, clean" : "equal";
  // The master's kernel has drivers for no other disk built in, and it has no initrd.
  if (row.bus !== "nvme") return `restored to ${member?.disk?.path}, ${looked}`;
  const before = pc.serial().length;
  await room.lab.command("pc", "boot-disk", pc.mac);
  await pc.waitForSerial(loginPrompt(), limitMs.ownBoot, before);
  return `restored to ${member?.disk?.path}, ${looked}, boots`;
}

async function faultsOf(
  { size }: DiskRow,
  pc: Pc,
  unused: readonly Extent[],
): Promise<readonly string[]> {
  if (size > same) return faultsOfGrown(pc.disk);
  return (await compareDisks({ master, clone: pc.disk }, unused, oldByte)).faults;
}

async function untouched(
  paths: readonly string[],
  sizes: readonly (number | undefined)[],
  fill = 0x3c,
): Promise<void> {
  const known = sizes.filter((size) => size !== undefined);
  for (const [index, path] of paths.entries()) {
    const expected = `${path}.expected`;
    await fillDisk(expected, fill, known[index]);
    const isSame = await isSameDisk(path, expected);
    await run(["rm", "-f", expected]);
    if (!isSame) throw new Error(`${path} was written to`);
  }
}
