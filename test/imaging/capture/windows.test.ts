import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { findUse } from "../../../imaging/capture/used-blocks.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { complete, generalised, windowsFiles, withVolume } from "../personalise/windows/disks.ts";

/** What is said of the volume when it is captured; nothing is written to it. */
async function warningsOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  let said = "";
  await withVolume(files, async (device) => {
    const hash = () => createHash("sha256").update(readFileSync(device)).digest("hex");
    const before = hash();
    await using disk = await openDisk(device, { write: false });
    const place = { start: 0, size: disk.size, index: 0, type: "" };
    const { signal } = new AbortController();
    const { record, warnings } = await findUse(disk, place, { raw: false, signal });
    assert.equal(record.mode, "used");
    assert.equal(hash(), before);
    said = warnings.join("; ");
  });
  return said;
}

test("a Windows that was not generalised is told at its capture, and no other", async () => {
  const state = "Windows/Setup/State/State.ini";
  const wide = Buffer.from(`\ufeff${generalised}`, "utf16le");
  assert.match(
    await warningsOf(windowsFiles()),
    /the disk \(ntfs\): Windows was not generalised.*SID/,
  );
  assert.match(await warningsOf({ ...windowsFiles(), [state]: "" }), /not generalised/);
  const other = complete.replace("COMPLETE", "SPECIALIZE_RESEAL_TO_OOBE");
  assert.match(await warningsOf({ ...windowsFiles(), [state]: other }), /not generalised/);
  for (const text of [generalised, generalised.replace("OOBE", "AUDIT"), wide])
    assert.equal(await warningsOf({ ...windowsFiles(), [state]: text }), "");
  assert.equal(await warningsOf({ [state]: complete }), "");
});
