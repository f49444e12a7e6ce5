/** The disk that `make bench-product` restores: one partition with files of the host, as each way has it stored. */
import { execFileSync } from "node:child_process";
import { statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePartition } from "../capture-partition.ts";

export interface BenchDisk {
  /** The disk: a GPT and the partition. */
  readonly disk: string;
  readonly diskBytes: number;
  /** The partition alone, which is what the others send, and its bytes. */
  readonly partition: string;
  readonly partitionBytes: number;
  /** The partition as partclone and zstd store it. */
  readonly stored: string;
  readonly storedBytes: number;
  /** Of the files on it. */
  readonly filesBytes: number;
}

const mib = 2 ** 20;
/** Where the partition begins on the disk, and what lies behind it. */
export const partitionAt = mib;

export function makeBenchDisk(folder: string, sizeMib: number): BenchDisk {
  const partition = join(folder, "partition");
  const disk = join(folder, "disk");
  const stored = join(folder, "stored.zst");
  const partitionBytes = (sizeMib - 2) * mib;
  const diskBytes = sizeMib * mib;
  const filesBytes = makePartition(folder, {
    path: partition,
    bytes: partitionBytes,
    filesBytes: partitionBytes * 0.8,
    onJunk: false,
  });
  writeFileSync(disk, "");
  truncateSync(disk, diskBytes);
  execFileSync("sgdisk", ["-n", `1:2048:+${sizeMib - 2}M`, disk]);
  const place = ["bs=1M", `seek=${partitionAt / mib}`, "conv=notrunc"];
  execFileSync("dd", [`if=${partition}`, `of=${disk}`, "status=none", ...place]);
  // zstd's level 3 is its default, and Clonezilla's.
  const pipeline = 'partclone.ext4 -q -c -L /dev/null -s "$1" -o - | zstd -3 -q -f -o "$2"';
  execFileSync("bash", ["-o", "pipefail", "-c", pipeline, "bash", partition, stored], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const storedBytes = statSync(stored).size;
  return { disk, diskBytes, partition, partitionBytes, stored, storedBytes, filesBytes };
}
