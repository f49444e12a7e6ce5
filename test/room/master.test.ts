/**
 * The master disk of the rooms is as it says. It is made here, among tests that leave a processor free now and then;
 * the rooms' own tests find it, and wait two minutes less.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { masterDisk, masterLayout } from "./master.ts";
import { roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

test("the master disk has its partitions and file systems where its boot loaders look for them", {
  timeout: 1_200_000,
}, async (t) => {
  const disk = await masterDisk(roomFolder, (text) => t.diagnostic(text));
  const { stdout } = await run(["sfdisk", "--json", disk]);
  const { partitiontable } = JSON.parse(stdout) as {
    readonly partitiontable: {
      readonly partitions: readonly { readonly start: number; readonly size: number }[];
    };
  };
  const { biosBoot, esp, root, rootUuid } = masterLayout;
  assert.deepEqual(
    partitiontable.partitions.map(({ start, size }) => ({ start: start * 512, size: size * 512 })),
    [biosBoot, esp, root],
  );
  const probed = await run(["blkid", "-p", "-O", String(root.start), "-o", "export", disk]);
  assert.match(probed.stdout, new RegExp(`^UUID=${rootUuid}$`, "m"));
  assert.match(probed.stdout, /^TYPE=ext4$/m);
});
