/** A room that is switched on at once, with a small boot image; `make storm` takes the real one. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { storm } from "../storm/storm.ts";

const pcs = 50;
let bootFolder: string;

before(async () => {
  bootFolder = await mkdtemp(join(tmpdir(), "roomcast-storm-boot-"));
  const sizes = { vmlinuz: 700_000, "initrd.img": 2_000_000, "snponly.efi": 150_001 };
  for (const [name, length] of Object.entries({ ...sizes, "undionly.kpxe": 70_000 }))
    await writeFile(
      join(bootFolder, name),
      Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 255),
    );
});
after(() => rm(bootFolder, { recursive: true, force: true }));

test(`${pcs} PCs at once: each gets an address of its own, loader, kernel and initrd`, async (t) => {
  const result = await storm({ pcs, by: "http", bootFolder, limitSeconds: 120 });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(result.failures, []);
  assert.equal(result.arrived, pcs);
  assert.equal(result.addresses, pcs);
  assert(result.serverBytes < 300e6, `${result.serverBytes} bytes in memory`);
  // The console stays live: loose, since all 50 PCs share these processors with the server.
  assert(result.statusMs.median < 1000, JSON.stringify(result.statusMs));
});
