/** What is said where Debian's tools are not there; `missing-tools.test.ts` runs it on such a host, with a FAT16 file. */
import { readFileSync } from "node:fs";
import { compressions, compressor, decompressed } from "../../../client/transfer/compression.ts";
import { openVirtualDisk, virtualFormats } from "../../../client/transfer/virtual-disk.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { fileSystemUse } from "../../../imaging/capture/file-system-use.ts";

const { signal } = new AbortController();
const said: Record<string, string> = {};

async function note(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    said[name] = JSON.stringify(await work());
  } catch (error) {
    if (!(error instanceof RoomcastError)) throw error;
    said[name] = `${error.message}; ${error.next}`;
  }
}

async function* some(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(1 << 20);
}

for (const compression of compressions) {
  await note(`read ${compression.tool}`, async () => {
    for await (const _ of decompressed(some(), compression, "FILE"));
  });
  if (compression.compress !== null)
    await note(`write ${compression.tool}`, () => compressor(compression, 1).ended);
}
for (const format of virtualFormats)
  await note(format.name, () => openVirtualDisk("/dev/null", format, signal));
const source = { size: 1 << 20, read: async (_: number, length: number) => new Uint8Array(length) };
const [fatFile = ""] = process.argv.slice(2);
const fat = readFileSync(fatFile);
const fatSource = {
  size: fat.length,
  read: async (at: number, length: number) => new Uint8Array(fat.subarray(at, at + length)),
};
for (const [fs, volume] of [
  ["ntfs", source],
  ["vfat", fatSource],
  ["xfs", source],
] as const)
  await note(fs, () =>
    fileSystemUse({ fs, what: "partition 1", device: "/dev/null", source: volume }, signal),
  );
console.log(JSON.stringify(said));
