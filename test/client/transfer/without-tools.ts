/** What is said where Debian's tools are not there; `missing-tools.test.ts` runs it on such a host. */
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
for (const fs of ["ntfs", "vfat", "xfs"])
  await note(fs, () =>
    fileSystemUse({ fs, what: "partition 1", device: "/dev/null", source }, signal),
  );
console.log(JSON.stringify(said));
