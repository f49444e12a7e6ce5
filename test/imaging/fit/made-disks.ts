/** Ordinary layouts of disks, made by their systems' own tools, and what has to be right about them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bytesAt,
  lookAt,
  lvm,
  makeAt,
  mib,
  mounted,
  type Place,
  someFiles,
  tool,
  treeOf,
} from "../capture/disks.ts";
import { randomDisk } from "../restore/restored.ts";

export interface DiskMaker extends Disposable {
  readonly folder: string;
  /** By the file system: makes it, with files in it where it can have some. */
  readonly makers: Readonly<Record<string, (part: string, place: Place) => void>>;
  /** By the file system: what is in a partition is right, and fills it. */
  readonly checks: Readonly<Record<string, (part: string, place: Place) => void>>;
  /** A file full of random bytes where nothing is made. */
  disk(layout: DiskLayout): string;
}

export interface DiskLayout {
  /** Of the disk's file. */
  readonly name: string;
  readonly sizeMib: number;
  readonly script: string;
  /** By partition. */
  readonly fs: Readonly<Record<number, string>>;
}

export interface Entry extends Place {
  readonly index: number;
  readonly type: string;
  readonly uuid?: string;
  readonly name?: string;
  readonly attrs?: string;
  readonly bootable?: boolean;
}

/** As sfdisk sees the disk; places in bytes. */
export function tableOf(disk: string): { id: string; entries: Entry[] } {
  const { partitiontable } = JSON.parse(tool("sfdisk", ["-J", disk]));
  return {
    id: partitiontable.id,
    entries: partitiontable.partitions.map(
      ({ node, start, size, ...rest }: Place & { readonly node: string }) => ({
        ...rest,
        index: Number(/\d+$/.exec(node.slice(disk.length))?.[0]),
        start: start * 512,
        size: size * 512,
      }),
    ),
  };
}

export function openDiskMaker(name: string): DiskMaker {
  const folder = mkdtempSync(join(tmpdir(), `roomcast-${name}-`));
  const files = someFiles(folder);
  const tree = treeOf(files);
  const ntfs = (place: Place, part: string): void => {
    const geometry = ["-p", String(place.start / 512), "-H", "16", "-S", "63", "-s", "512"];
    tool("mkntfs", ["-q", "-F", "-f", ...geometry, part]);
    tool("ntfscp", ["-q", "-f", part, join(files, "random"), "random"]);
  };
  /** UUIDs of physical volumes, and of their groups. */
  const groups = new Map<string, string>();
  const makers: Readonly<Record<string, (part: string, place: Place) => void>> = {
    vfat: (part) => {
      tool("mkfs.vfat", ["-F", "12", part]);
      tool("mcopy", ["-i", part, join(files, "text"), "::text"]);
    },
    ntfs: (part, place) => ntfs(place, part),
    ext2: (part) => void tool("mke2fs", ["-q", "-F", "-t", "ext2", "-d", files, part]),
    ext4: (part) => void tool("mke2fs", ["-q", "-F", "-t", "ext4", "-d", files, part]),
    btrfs: (part) => void tool("mkfs.btrfs", ["-q", "-f", "-M", "--rootdir", files, part]),
    swap: (part) => void tool("mkswap", ["-U", "7b9a3c1e-3d0f-4a53-9d60-0d4f8f0d8f11", part]),
    LVM2_member(part, { size }) {
      const { extents, root, swap } = volumesIn(size);
      const make = ["--yes", "-an", "-Zn", "-Wn"];
      const said = lvm(part, { start: 0, size }, [
        ["pvcreate", "PV"],
        ["vgcreate", "-s", "1M", "debian-vg", "PV"],
        ["lvcreate", ...make, "-l", String(extents - swapExtents), "-n", "root", "debian-vg"],
        ["lvcreate", ...make, "-l", String(swapExtents), "-n", "swap_1", "debian-vg"],
        uuidsOfGroup,
      ]);
      const [volume = "", group = ""] = (said.at(-1) ?? "").trim().split(/\s+/);
      groups.set(volume, group);
      makeAt(part, root.start, root.size, (inner) => makers.ext4?.(inner, root));
      makeAt(part, swap.start, swap.size, (inner) => makers.swap?.(inner, swap));
    },
  };
  const checkExt = (part: string, { size }: Place): void => {
    tool("e2fsck", ["-fn", part]);
    assert.deepEqual(mounted(part, "ro", treeOf), tree);
    const said = tool("dumpe2fs", ["-h", part]);
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(said)?.[1]);
    assert(size - field("Block count") * field("Block size") < mib, "it fills its partition");
  };

  /** What is in a partition is right, and fills it. */
  const checks: Readonly<Record<string, (part: string, place: Place) => void>> = {
    vfat(part) {
      tool("fsck.vfat", ["-n", part]);
      const back = `${part}.text`;
      tool("mcopy", ["-n", "-o", "-i", part, "::text", back]);
      tool("cmp", [back, join(files, "text")]);
    },
    ntfs(part, { start, size }) {
      tool("ntfsresize", ["--info", "--force", "--force", part]);
      tool("sh", ["-c", `ntfscat -f ${part} random | cmp - ${join(files, "random")}`]);
      const clusters = /Volume Size in Clusters: (\d+)/.exec(tool("ntfsinfo", ["-m", "-f", part]));
      const cluster = /Cluster Size: (\d+)/.exec(tool("ntfsinfo", ["-m", "-f", part]));
      assert(size - Number(clusters?.[1]) * Number(cluster?.[1]) < mib, "it fills its partition");
      for (const at of [0, size - 512]) {
        assert.equal(bytesAt(part, at + 0x1c, 4).readUInt32LE(), start / 512, "hidden sectors");
      }
    },
    ext2: checkExt,
    ext4: checkExt,
    btrfs(part, { size }) {
      tool("btrfs", ["check", "--readonly", part]);
      assert.deepEqual(mounted(part, "ro", treeOf), tree);
      const bytes = /total_bytes\s+(\d+)/.exec(tool("btrfs", ["inspect", "dump-super", part]));
      assert(size - Number(bytes?.[1]) < mib, "it fills its partition");
    },
    swap(part) {
      const said = tool("blkid", ["-p", "-o", "export", part]);
      assert.match(said, /UUID=7b9a3c1e-3d0f-4a53-9d60-0d4f8f0d8f11\n/);
    },
    LVM2_member(part, { size }) {
      const { extents, root, swap } = volumesIn(size);
      const fields = ["--noheadings", "--units", "b", "--nosuffix", "-o"];
      const said = lvm(part, { start: 0, size }, [
        ["vgck", "debian-vg"],
        ["pvck", "PV"],
        ["pvs", ...fields, "pv_size,pv_free,dev_size"],
        ["lvs", ...fields, "lv_name,seg_start_pe,seg_pe_ranges", "debian-vg"],
        uuidsOfGroup,
      ]);
      const rows = said.map((text) => text.trim().split(/\s*\n\s*/));
      const words = (row: string | undefined) => (row ?? "").split(/\s+/);
      assert.deepEqual(words(rows[2]?.[0]), [extents * mib, 0, size].map(String));
      const last = extents - 1;
      const firstOfSwap = extents - swapExtents;
      const [rootLine, swapLine] = rows[3]?.map((row) => row.replace(/ \S+:/, " ")) ?? [];
      assert.deepEqual(words(rootLine), ["root", "0", `0-${firstOfSwap - 1}`]);
      assert.deepEqual(words(swapLine), ["swap_1", "0", `${firstOfSwap}-${last}`]);
      const [volume = "", group] = words(rows[4]?.[0]);
      assert.equal(groups.get(volume), group);
      lookAt(part, root.start, root.size, (inner) => checkExt(inner, root));
      lookAt(part, swap.start, swap.size, (inner) => checks.swap?.(inner, swap));
    },
  };

  return {
    folder,
    makers,
    checks,
    disk({ name, sizeMib, script, fs }) {
      const disk = randomDisk(join(folder, `from-${name}`), sizeMib * mib);
      tool("sfdisk", ["-q", "--wipe=always", disk], `${script}\n`);
      for (const place of tableOf(disk).entries) {
        const make = makers[fs[place.index] ?? ""];
        if (make !== undefined) makeAt(disk, place.start, place.size, (part) => make(part, place));
      }
      return disk;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

const swapExtents = 8;
const uuidsOfGroup = ["pvs", "--noheadings", "-o", "pv_uuid,vg_uuid"];

/** Root and swap fill the group: extents of a MiB, the first of them behind one MiB of LVM's own. */
function volumesIn(size: number): { extents: number; root: Place; swap: Place } {
  const extents = Math.floor(size / mib) - 1;
  const root = { start: mib, size: (extents - swapExtents) * mib };
  return { extents, root, swap: { start: root.start + root.size, size: swapExtents * mib } };
}
