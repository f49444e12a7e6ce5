/** Saves a disk file as Clonezilla and as FOG do: their files, their tools, their order of both. */
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesAt, copyPart, type Place, tool, toolBeside } from "../../imaging/capture/disks.ts";

export interface Part extends Place {
  readonly index: number;
  /** partclone's program for it: `extfs`, `vfat`…; `swap`; `dd`: all of it; `dd-ptcl`: by partclone.dd; null: not saved. */
  readonly fs: string | null;
}

const packers: Readonly<Record<string, string>> = {
  gz: "gzip -1 -c",
  zst: "zstd -q -1 -c",
  lz4: "lz4 -q -c",
  xz: "xz -0 -c",
  none: "cat",
};

export interface SaveOptions {
  /** A key of `packers`. */
  readonly compression: string;
  /** Bytes of a piece. */
  readonly pieceBytes: number;
}

const shell = (words: string): Promise<string> => toolBeside("sh", ["-ec", words]);

/** Saves all parts at once, each from a file of its own. */
async function eachPart(
  disk: string,
  folder: string,
  parts: readonly Part[],
  save: (part: Part & { readonly fs: string }, path: string) => Promise<void>,
): Promise<void> {
  const saves = parts.map(async ({ fs, ...place }) => {
    if (fs === null) return;
    const path = `${folder}.part${place.index}`;
    copyPart(disk, place, path);
    await save({ ...place, fs }, path);
    rmSync(path);
  });
  await Promise.all(saves);
}

const programOf = (fs: string): string => ({ ext4: "extfs", vfat: "vfat" })[fs] ?? fs;
const field = (part: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, "m").exec(tool("blkid", ["-p", "-o", "export", part]))?.[1] ?? "";

/** ocs-functions' savedisk: -q2, and `-z…` by `compression`. */
export async function saveClonezilla(
  disk: string,
  folder: string,
  parts: readonly Part[],
  { compression, pieceBytes }: SaveOptions,
): Promise<void> {
  mkdirSync(folder);
  const into = (name: string): string => join(folder, name);
  const dump = tool("sfdisk", ["-d", disk]).replaceAll(disk, "/dev/sda");
  writeFileSync(into("sda-pt.sf"), dump);
  writeFileSync(into("disk"), "sda\n");
  const saved = parts.filter(({ fs }) => fs !== null && fs !== "swap");
  writeFileSync(into("parts"), `${saved.map(({ index }) => `sda${index}`).join(" ")}\n`);
  const sectors = statSync(disk).size / 512;
  writeFileSync(
    into("sda-pt.parted"),
    `Model: ATA QEMU HARDDISK (scsi)\nDisk /dev/sda: ${sectors}s\nSector size (logical/physical): 512B/512B\nPartition Table: ${/label: gpt/.test(dump) ? "gpt" : "msdos"}\nDisk Flags: \n\n`,
  );
  const first = Math.min(...parts.map(({ start }) => start / 512));
  await shell(`dd if=${disk} of=${into("sda-mbr")} bs=512 count=1 status=none`);
  const hidden = into("sda-hidden-data-after-mbr");
  await shell(`dd if=${disk} of=${hidden} skip=1 bs=512 count=${first - 1} status=none`);
  if (/label: gpt/.test(dump)) {
    await shell(`dd if=${disk} of=${into("sda-gpt-1st")} bs=512 count=34 status=none`);
    const second = into("sda-gpt-2nd");
    await shell(`dd if=${disk} of=${second} skip=${sectors - 33} bs=512 count=33 status=none`);
  }
  const blkid: string[] = [];
  await eachPart(disk, folder, parts, async ({ index, fs }, part) => {
    const isRaw = fs === "dd" || fs === "dd-ptcl";
    const [uuid, label] = isRaw ? ["", ""] : [field(part, "UUID"), field(part, "LABEL")];
    if (!isRaw) blkid.push(`/dev/sda${index}: LABEL="${label}" UUID="${uuid}" TYPE="${fs}"`);
    if (fs === "swap") {
      writeFileSync(into(`swappt-sda${index}.info`), `UUID="${uuid}"\nLABEL="${label}"\n`);
      return;
    }
    const suffix = compression === "none" ? "" : `.${compression}`;
    const kind = fs === "dd" ? "dd-img" : fs === "dd-ptcl" ? "dd-ptcl-img" : `${fs}-ptcl-img`;
    const read =
      fs === "dd"
        ? `cat ${part}`
        : fs === "dd-ptcl"
          ? `partclone.dd -q -f 0 -s ${part} -O - -L /dev/null`
          : `partclone.${programOf(fs)} -c -q -f 0 -s ${part} -O - -L /dev/null`;
    const name = into(`sda${index}.${kind}${suffix}`);
    const pieces =
      pieceBytes === Number.POSITIVE_INFINITY
        ? `> ${name}`
        : `| split -a 2 -b ${pieceBytes} - ${name}.`;
    await shell(`${read} | ${packers[compression]} ${pieces}`);
  });
  writeFileSync(into("blkid.list"), `${blkid.join("\n")}\n`);
}

/** FOG's funcs.sh: savePartitionTablesAndBootLoaders, savePartition, uploadFormat. */
export async function saveFog(
  disk: string,
  folder: string,
  parts: readonly Part[],
  { compression, pieceBytes }: SaveOptions,
): Promise<void> {
  mkdirSync(folder);
  const into = (name: string): string => join(folder, name);
  const dump = tool("sfdisk", ["-d", disk]).replaceAll(disk, "/dev/sda");
  writeFileSync(into("d1.partitions"), dump);
  writeFileSync(into("d1.minimum.partitions"), dump);
  const first = Math.min(...parts.map(({ start }) => start / 512), 2048);
  if (/label: gpt/.test(dump)) tool("sgdisk", ["-b", into("d1.mbr"), disk]);
  else writeFileSync(into("d1.mbr"), bytesAt(disk, 0, first * 512));
  writeFileSync(into("d1.fixed_size_partitions"), ":1\n");
  const swaps: string[] = [];
  await eachPart(disk, folder, parts, async ({ index, fs }, part) => {
    if (fs === "swap") {
      swaps.push(`${index} ${field(part, "UUID")}`);
      return;
    }
    const program = fs === "dd" ? "imager" : programOf(fs);
    const read = `partclone.${program} -c -q -f 0 -s ${part} -O - -a 0 -L /dev/null`;
    const name = into(`d1p${index}.img`);
    const pack = packers[compression];
    const pieces =
      pieceBytes === Number.POSITIVE_INFINITY
        ? `> ${name}`
        : `| split -a 3 -d -b ${pieceBytes} - ${name}.`;
    await shell(`${read} | ${pack} ${pieces}`);
  });
  writeFileSync(into("d1.original.swapuuids"), swaps.map((line) => `${line}\n`).join(""));
}
