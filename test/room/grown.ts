/** A clone of the master on a larger disk: looked at from outside, by the tools of others. */
import { open, rm } from "node:fs/promises";
import { assert } from "../../core/errors.ts";
import { masterLayout } from "./master.ts";
import { run } from "./run.ts";

const mib = 1 << 20;

/**
 * What is wrong, in words; empty when the GPT is right for the disk, and the root file system is clean
 * and reaches its end.
 */
export async function faultsOfGrown(disk: string): Promise<string[]> {
  const faults: string[] = [];
  await using file = await open(disk, "r");
  const { size } = await file.stat();
  const table = (await run(["sgdisk", "-v", disk])).stdout;
  if (!table.includes("No problems found")) faults.push(table);
  const root = /^First sector: (\d+)[\s\S]*^Last sector: (\d+)/m.exec(
    (await run(["sgdisk", "-i", "3", disk])).stdout,
  );
  assert(root !== null, "sgdisk names the root partition");
  const [start, end] = [Number(root[1]) * 512, (Number(root[2]) + 1) * 512];
  if (start !== masterLayout.root.start) faults.push(`root starts at ${start}`);
  if (size - end > 2 * mib) faults.push(`root ends at ${end} of ${size}`);
  const part = `${disk}.root`;
  try {
    const places = ["iflag=skip_bytes,count_bytes", `skip=${start}`, `count=${end - start}`];
    await run(["dd", `if=${disk}`, `of=${part}`, "bs=4M", "conv=sparse", ...places]);
    const checked = await run(["e2fsck", "-fn", part], { accept: [0, 1, 2, 4, 8] });
    if (checked.status !== 0) faults.push(checked.stdout);
    const { stdout } = await run(["dumpe2fs", "-h", part]);
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(stdout)?.[1]);
    const fsBytes = field("Block count") * field("Block size");
    if (end - start - fsBytes > mib) faults.push(`the file system has ${fsBytes} bytes`);
  } finally {
    await rm(part, { force: true });
  }
  return faults;
}
