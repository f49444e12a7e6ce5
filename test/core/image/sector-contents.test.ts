/** What file systems need of a disk's sectors, as their own tools make them; each fills a disk without a table. */
import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { changeSectors } from "../../../core/image/sector-change.ts";
import { fileSource, inFolder, mib, tool } from "../../imaging/capture/disks.ts";

const label = { label: null, uuid: null, usedBytes: 0, mode: "used" as const };

/** Why not, or that it fits. */
async function said(fs: string, make: readonly string[], from = 512, to = 4096): Promise<string> {
  let answer = "";
  await inFolder(async (folder) => {
    const path = join(folder, "volume");
    const size = 320 * mib;
    writeFileSync(path, "");
    truncateSync(path, size);
    const [name = "", ...args] = make;
    tool(name, [...args, path]);
    const image = {
      ...{ diskBytes: size, logicalSector: from, partitionTable: "none" as const },
      partitions: [{ index: 0, type: "none", fs, start: 0, size, ...label }],
    };
    const other = { diskBytes: size, logicalSector: to };
    const change = await changeSectors(image, fileSource(path), other);
    answer = change.ok ? "it fits" : change.reason;
  });
  return answer;
}

const ext = (...more: string[]): string[] => ["mke2fs", "-q", "-F", "-t", "ext4", ...more];
const xfs = (sector: number): string[] => ["mkfs.xfs", "-q", "-f", "-s", `size=${sector}`];

test("blocks of 4096 bytes fit sectors of 4096; smaller ones fit those of 512 alone", async () => {
  const large: readonly [string, string[]][] = [
    ["ext4", ext("-b", "4096")],
    ["xfs", xfs(4096)],
    ["btrfs", ["mkfs.btrfs", "-q", "-f"]],
    ["swap", ["mkswap"]],
    ["vfat", ["mkfs.vfat", "-F", "32"]],
  ];
  for (const [fs, make] of large) {
    assert.equal(await said(fs, make), "it fits", fs);
    assert.equal(await said(fs, make, 4096, 512), "it fits", fs);
  }
  const small: readonly [string, string[], RegExp][] = [
    ["ext4", ext("-b", "1024"), /^the disk \(ext4\) has blocks of 1024 bytes/],
    ["ext4", ext("-b", "2048"), /has blocks of 2048 bytes/],
    ["xfs", xfs(512), /^the disk \(xfs\) has sectors of 512 bytes/],
    ["vfat", ["mkfs.vfat", "-F", "16", "-s", "16", "-R", "1", "-a"], /begin at byte 512/],
  ];
  for (const [fs, make, reason] of small) {
    assert.match(await said(fs, make), reason);
    assert.equal(await said(fs, make, 4096, 512), "it fits", fs);
  }
});
