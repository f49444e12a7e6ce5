/** A host that has none of the tools: each import and export says which of Debian's packages to install. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

/** In a mount namespace of its own, where /usr/bin and /usr/sbin are empty. */
const emptied =
  'for folder in /usr/sbin /usr/bin; do mount -t tmpfs none "$folder" || exit; done; exec "$@"';

test("each tool that is missing is named with its package", (t) => {
  const script = join(import.meta.dirname, "without-tools.ts");
  const folder = mkdtempSync(join(tmpdir(), "roomcast-fat-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const fat = join(folder, "fat16");
  // 20 MiB, in KiB: FAT16 by its count of clusters.
  execFileSync("mkfs.vfat", ["-C", fat, "20480"]);
  const output = execFileSync(
    "unshare",
    ["--mount", "/bin/sh", "-c", emptied, "sh", process.execPath, script, fat],
    { encoding: "utf8" },
  );
  const said = JSON.parse(output) as Record<string, string>;
  const packages: Record<string, RegExp> = {
    gzip: /gzip cannot be run.*; install it: apt-get install gzip$/,
    zstd: /zstd cannot be run.*; install it: apt-get install zstd$/,
    lz4: /lz4 cannot be run.*; install it: apt-get install lz4$/,
    xz: /xz cannot be run.*; install it: apt-get install xz-utils$/,
    lzop: /lzop cannot be run.*; install it: apt-get install lzop$/,
    bzip2: /bzip2 cannot be run.*; install it: apt-get install bzip2$/,
    qemu: /^qemu-img is not installed; .*apt-get install qemu-utils qemu-system-common fuse3$/,
    ntfs: /"used":null,"why":"ntfs-3g.probe is not there .*: apt-get install ntfs-3g and capture again"/,
    vfat: /"used":null,"why":"partclone.fat is not there .*: apt-get install partclone and capture again"/,
    xfs: /"used":null,"why":"xfs_logprint is not there .*: apt-get install xfsprogs and capture again"/,
  };
  const virtual = ["qcow2", "vhdx", "vmdk", "vhd", "vdi"];
  for (const [what, text] of Object.entries(said)) {
    const tool = virtual.includes(what) ? "qemu" : (what.split(" ").at(-1) as string);
    assert.match(text, packages[tool] as RegExp, what);
  }
  assert.equal(Object.keys(said).length, 6 + 5 + virtual.length + 3);
});
