import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { TablePartition } from "../../core/image/found-table.ts";
import { deviceNumber } from "./disk.ts";
import { names, readText, systemRoots, target } from "./sysfs.ts";
import { runTool, untilItEnds } from "./tool.ts";

/** A block device that is one partition. */
export interface PartitionDevice {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * The kernel's own device of the partition (`index` 0: the disk), else a loop device over its place;
 * null when there is neither.
 */
export async function partitionDevice(
  diskPath: string,
  { start, size, index }: Pick<TablePartition, "start" | "size" | "index">,
  how: {
    readonly write: boolean;
    readonly signal: AbortSignal;
    /** Of a loop device, in bytes; those of the disk where it is not said. */
    readonly logicalSector?: number;
  },
): Promise<PartitionDevice | null> {
  const { write, signal, logicalSector } = how;
  const found = await stat(diskPath);
  const keep = async (): Promise<void> => {};
  if (found.isBlockDevice()) {
    if (index === 0) return { path: diskPath, release: keep };
    const folder = target(`${systemRoots.sys}/dev/block/${deviceNumber(found.rdev)}`);
    for (const name of folder === null ? [] : names(folder)) {
      // Both in 512-byte units, whatever the sector is (Documentation/ABI).
      const first = Number(readText(`${folder}/${name}/start`) ?? Number.NaN);
      const count = Number(readText(`${folder}/${name}/size`) ?? Number.NaN);
      if (
        name.startsWith(basename(folder ?? "")) &&
        first * 512 === start &&
        count * 512 === size
      ) {
        return { path: `/dev/${name}`, release: keep };
      }
    }
  }
  const args = [
    ...(write ? [] : ["-r"]),
    ...(logicalSector === undefined ? [] : ["-b", String(logicalSector)]),
    "-f",
    "--show",
    "-o",
    String(start),
    "--sizelimit",
    String(size),
    diskPath,
  ];
  signal.throwIfAborted();
  const { status, output } = await runTool("losetup", args, untilItEnds());
  const path = output.trim();
  if (status !== 0 || !path.startsWith("/dev/")) return null;
  return {
    path,
    release: async () => void (await runTool("losetup", ["-d", path], untilItEnds())),
  };
}
