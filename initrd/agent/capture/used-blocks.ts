/** Which bytes of a partition its file system uses: asks blkid, partclone, and ntfs-3g.probe. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../../core/errors.ts";
import { decodeDomainMap, type Extent } from "../../../core/image/domain-map.ts";
import type { TablePartition } from "../../../core/image/partition-table.ts";
import type { PartitionRecord } from "../../../core/image/types.ts";
import { partitionDevice } from "../hardware/partition-device.ts";
import { runTool } from "../tool.ts";

export interface FoundUse {
  readonly record: Pick<PartitionRecord, "fs" | "label" | "uuid" | "mode">;
  /** Relative to the partition; null: all of it. */
  readonly used: readonly Extent[] | null;
  readonly warning: string | null;
}

const partcloneOf: Readonly<Record<string, string>> = {
  ext2: "extfs",
  ext3: "extfs",
  ext4: "extfs",
  ntfs: "ntfs",
  vfat: "fat",
  xfs: "xfs",
  btrfs: "btrfs",
  exfat: "exfat",
  f2fs: "f2fs",
};
/** mkswap(8): a page of header, and pages have at most 64 KiB. */
const swapHeaderBytes = 64 * 1024;

/** Rejects with `refused` when Windows has to be put in order first, and as `signal` says. */
export async function findUse(
  diskPath: string,
  partition: TablePartition,
  options: { readonly raw: boolean; readonly signal: AbortSignal },
): Promise<FoundUse> {
  const { raw, signal } = options;
  const device = await partitionDevice(diskPath, partition, { write: false, signal });
  const what = partition.index === 0 ? "the disk" : `partition ${partition.index}`;
  if (device === null) {
    const record = { fs: null, label: null, uuid: null, mode: "raw" } as const;
    return { record, used: null, warning: `${what}: no device for it, taken whole` };
  }
  try {
    const probe = await runTool("blkid", ["-p", "-o", "export", device.path], signal);
    const fields = new Map(
      probe.output.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    const fs = fields.get("TYPE") ?? null;
    const text = (name: string, limit: number): string | null =>
      fields.get(name)?.replaceAll("\\", "").slice(0, limit) ?? null;
    const known = {
      fs: fs?.slice(0, 64) ?? null,
      label: text("LABEL", 256),
      uuid: text("UUID", 64),
    };
    const whole = (why: string | null): FoundUse => ({
      record: { ...known, mode: "raw" },
      used: null,
      warning: why === null ? null : `${what} (${fs ?? "unknown"}): ${why}, taken whole`,
    });
    if (raw) return whole(null);
    if (fs === "BitLocker")
      throw windowsRefusal(
        what,
        "locked by BitLocker",
        "run `manage-bde -off C:` in Windows and wait until it is decrypted",
      );
    if (fs === "swap") {
      const used = [{ start: 0, length: Math.min(swapHeaderBytes, partition.size) }];
      return { record: { ...known, mode: "used" }, used, warning: null };
    }
    const kind = fs === null ? undefined : partcloneOf[fs];
    if (kind === undefined) return whole("its used blocks cannot be told");
    if (fs === "ntfs") {
      const { status } = await runTool("ntfs-3g.probe", ["-w", device.path], signal);
      if (status === 14)
        throw windowsRefusal(
          what,
          "hibernated (or shut down with fast startup)",
          "run `shutdown /s /f /t 0` in Windows, or `powercfg /h off` first",
        );
      if (status === 15) return whole("it was not shut down cleanly");
    }
    const map = await domainMap(kind, device.path, partition.size, signal);
    if (map === null) return whole("its used blocks cannot be read (not unmounted cleanly?)");
    return { record: { ...known, mode: "used" }, used: map, warning: null };
  } finally {
    await device.release();
  }
}

async function domainMap(
  kind: string,
  device: string,
  size: number,
  signal: AbortSignal,
): Promise<Extent[] | null> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-map-"));
  try {
    const path = join(folder, "map");
    const args = ["-q", "-D", "-s", device, "-O", path, "-L", "/dev/null"];
    const { status } = await runTool(`partclone.${kind}`, args, signal);
    if (status !== 0) return null;
    const decoded = decodeDomainMap(await readFile(path, "utf8"), size);
    return decoded.ok ? decoded.value : null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const windowsRefusal = (what: string, why: string, next: string): RoomcastError =>
  new RoomcastError("refused", `${what}: Windows is ${why}`, `${next}; then capture again`);
