import assert from "node:assert/strict";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fatFiles } from "../../../core/image/fat-files.ts";
import { inFolder, mib, tool } from "../../imaging/capture/disks.ts";
import { drawn } from "../../property.ts";
import { sourceOf } from "./bytes.ts";

const sizes = { 12: 2, 16: 20, 32: 40 } as const;
const there = [
  "EFI/debian/shimx64.efi",
  "EFI/debian/grub.cfg",
  "EFI/Microsoft/Boot/bootmgfw.efi",
  "EFI/Microsoft/Boot/de-DE/bootmgfw.efi.mui",
  "EFI/BOOT/BOOTX64.EFI",
  "EFI/systemd/systemd-bootx64.efi",
  "EFI/Some Name of a length/with many more than thirteen characters.efi",
  ...Array.from({ length: 200 }, (_, index) => `EFI/many/${"file".repeat(20)}${index}.efi`),
];

/** With the files of `there`, and some that are deleted again. */
function fat(folder: string, kind: 12 | 16 | 32): Buffer {
  const root = join(folder, `root${kind}`);
  for (const name of [...there, "EFI/debian/gone-since.efi"]) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), name);
  }
  mkdirSync(join(root, "EFI/empty"));
  const path = join(folder, `fat${kind}`);
  writeFileSync(path, "");
  truncateSync(path, sizes[kind] * mib);
  tool("mkfs.fat", ["-F", String(kind), "-s", "1", "-n", "EFI", path]);
  tool("mcopy", ["-s", "-i", path, join(root, "EFI"), "::/"]);
  tool("mdel", ["-i", path, "::/EFI/debian/gone-since.efi"]);
  return readFileSync(path);
}

const pathsOf = async (bytes: Uint8Array, depth: number): Promise<string[]> => {
  const files = await fatFiles(sourceOf(bytes), { folder: "efi", depth });
  assert(files.ok, files.ok ? "" : files.reason);
  return files.value.sort();
};

test("the files of an EFI system partition, with their long names, as deep as is asked", async () => {
  await inFolder(async (folder) => {
    for (const kind of [12, 16, 32] as const) {
      const bytes = fat(folder, kind);
      for (const depth of [2, 3, 4]) {
        const expected = there
          .filter((name) => name.split("/").length <= depth + 1)
          .map((name) => `\\${name.replaceAll("/", "\\")}`);
        assert.deepEqual(await pathsOf(bytes, depth), expected.sort(), `FAT${kind}, ${depth} deep`);
      }
    }
  });
});

test("any bytes: answered, and nothing is read beyond the end", async () => {
  await inFolder(async (folder) => {
    const whole = fat(folder, 12);
    const change = fc.tuple(
      fc.oneof(fc.nat(62), fc.nat(512 * 30), fc.nat(512 * 200)),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 2, 0xff)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), fc.nat(2000), async (changes, cut) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        const end = cut < 1800 ? bytes.length : cut * 512;
        await fatFiles(sourceOf(bytes.subarray(0, end)), { folder: "EFI", depth: 3 });
      }),
      { numRuns: drawn(100) },
    );
  });
});

test("a folder whose clusters never end is damage", async () => {
  await inFolder(async (folder) => {
    const bytes = fat(folder, 16);
    // All entries of the table lead to the first cluster.
    const tableAt = bytes.readUInt16LE(0x0e) * 512;
    for (let at = 4; at < bytes.readUInt16LE(0x16) * 512; at += 2)
      bytes.writeUInt16LE(2, tableAt + at);
    const files = await fatFiles(sourceOf(bytes), { folder: "EFI", depth: 3 });
    assert.deepEqual(files, { ok: false, reason: "its folder \\EFI is damaged" });
  });
});
