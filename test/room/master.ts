/**
 * The master disk of the room: a small real Debian that boots by itself on BIOS and on UEFI to a
 * login prompt on its screen and on the serial line, asks for an address by DHCP on a virtio network
 * card, and takes SSH connections. Made without mounts and loop devices.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { grubImage, installBiosLoader, installDebian, makeEsp, writeGrubMenu } from "./debian.ts";
import { run } from "./run.ts";

const mib = 1024 * 1024;
const sectorBytes = 512;

/** Where everything lies on the master disk, in bytes. Fixed ids, so that its boot loader can name them. */
export const masterLayout = {
  diskBytes: 1024 * mib,
  /** BIOS has no room for GRUB's core on a GPT disk but in a partition of its own. */
  biosBoot: { start: mib, size: mib },
  esp: { start: 2 * mib, size: 32 * mib },
  /** Up to the last whole MiB; the backup GPT lies behind it. */
  root: { start: 34 * mib, size: (1024 - 34 - 1) * mib },
  rootPartUuid: "5c1bd1cc-3f0d-4b5a-9a53-1f4a5b3c7e01",
  rootUuid: "0d4f8c52-7a0e-4c0b-8f2b-6e1d2c3b4a50",
} as const;

export type MasterProgress = (step: string) => void;

/**
 * Answers the path of the master disk (raw, sparse) in `folder`, made first when there is none of
 * this recipe. Nobody writes to that file: PCs get copies (`copyDisk`).
 */
export async function masterDisk(folder: string, progress: MasterProgress): Promise<string> {
  await mkdir(folder, { recursive: true });
  const recipe = createHash("sha256");
  for (const name of ["master.ts", "debian.ts"]) {
    recipe.update(await readFile(join(import.meta.dirname, name)));
  }
  const path = join(folder, `master-${recipe.digest("hex").slice(0, 12)}.raw`);
  if (await exists(path)) return path;
  for (const name of await readdir(folder)) {
    if (/^master-.*\.raw/.test(name)) await rm(join(folder, name));
  }
  const work = join(folder, `master-work-${process.pid}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  try {
    progress("installing a small Debian 12 (mmdebstrap)");
    const system = await installSystem(join(work, "system"));
    progress("writing partitions, file systems and boot loaders");
    const disk = join(work, "disk.raw");
    await makePartitions(disk);
    await leaveOldData(disk);
    const loader = { uuid: masterLayout.rootUuid, folder: "/boot", modules: ["ext2"] };
    const efi = await grubImage(work, { ...loader, format: "x86_64-efi" });
    await makeEsp(disk, masterLayout.esp, efi);
    await makeRoot(disk, system);
    const bios = await grubImage(work, { ...loader, format: "i386-pc" });
    await installBiosLoader(disk, bios, masterLayout.biosBoot);
    await rename(disk, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return path;
}

/** Copies a disk file, sparse where the file system can. */
export async function copyDisk(from: string, to: string): Promise<void> {
  await run(["cp", "--sparse=always", "--reflink=auto", from, to]);
}

async function installSystem(root: string): Promise<string> {
  // What a clone is known by on the wire, beside its name: its host keys.
  await installDebian(root, { packages: ["openssh-server"], initramfs: false });
  await writeFile(join(root, "etc/fstab"), `UUID=${masterLayout.rootUuid} / ext4 defaults 0 0\n`);
  const bootOptions = { root: `PARTUUID=${masterLayout.rootPartUuid}`, folder: "/boot" };
  await writeGrubMenu(root, bootOptions);
  await removeBulk(root);
  return root;
}

/** What is needed beside what the cloud kernel has built in: its network card's driver. */
const neededModule = /\/(virtio\w*|failover|net_failover)\.ko$/;
/** Half of the system: the rest of Perl, hardware of all makers, and character sets. */
const bulk = [
  "usr/share/perl",
  "usr/lib/x86_64-linux-gnu/perl",
  "usr/lib/x86_64-linux-gnu/gconv",
  "usr/lib/udev/hwdb.d",
  "usr/lib/udev/hwdb.bin",
];

/** Without KVM, a PC takes a second and more for ten MB of an image; what the clone never reads proves no more. */
async function removeBulk(root: string): Promise<void> {
  for (const path of bulk) await rm(join(root, path), { recursive: true, force: true });
  const modules = join(root, "usr/lib/modules");
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (path.endsWith(".ko") && !neededModule.test(path)) await rm(path);
  }
}

async function makePartitions(disk: string): Promise<void> {
  await using file = await open(disk, "w");
  await file.truncate(masterLayout.diskBytes);
  const line = ({ start, size }: { start: number; size: number }, rest: string): string =>
    `start=${start / sectorBytes}, size=${size / sectorBytes}, ${rest}`;
  const table = [
    "label: gpt",
    "label-id: 9b1a6f0e-52c7-4d7e-8b8e-2f3c4d5e6f70",
    line(masterLayout.biosBoot, 'type=21686148-6449-6E6F-744E-656564454649, name="BIOS boot"'),
    line(masterLayout.esp, 'type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI system"'),
    line(
      masterLayout.root,
      `type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="root", uuid=${masterLayout.rootPartUuid}`,
    ),
  ];
  await run(["sfdisk", "--quiet", disk], { input: `${table.join("\n")}\n` });
}

/**
 * A used disk has what was deleted from it still in its free blocks: a MiB of noise every 16 MiB, for
 * a capture to leave out. It is the same noise each time.
 */
async function leaveOldData(disk: string): Promise<void> {
  await using file = await open(disk, "r+");
  const { start, size } = masterLayout.root;
  for (let offset = start; offset + mib <= start + size; offset += 16 * mib) {
    const noise = createHash("shake256", { outputLength: mib }).update(String(offset)).digest();
    await file.write(noise, 0, mib, offset);
  }
}

async function makeRoot(disk: string, system: string): Promise<void> {
  const { start, size } = masterLayout.root;
  await run([
    "mke2fs",
    ...["-q", "-F", "-t", "ext4", "-L", "root", "-U", masterLayout.rootUuid, "-m", "1"],
    // GRUB 2.06 reads no ext4 with a checksum seed or orphan file; nodiscard leaves the old data be.
    ...["-O", "^metadata_csum_seed,^orphan_file", "-J", "size=16"],
    ...["-E", `offset=${start},nodiscard,lazy_itable_init=0`],
    ...["-d", system, disk, `${size / 1024}k`],
  ]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
