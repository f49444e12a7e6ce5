/** A tool that fails for a reason of its own says nothing of the image: no smallest size is found by that. */
import assert from "node:assert/strict";
import childProcess from "node:child_process";
import { mkdtempSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Manifest } from "../../../core/image/types.ts";
import { shrinkDisk } from "../../../imaging/fit/shrink-disk.ts";
import { toolEnd } from "../../../imaging/fit/shrink-work.ts";

const mib = 1 << 20;
const { signal } = new AbortController();

test("an ext4 with a feature that the host's tools do not know is not called too large", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-old-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "disk.raw");
  const file = openSync(path, "w");
  truncateSync(path, 66 * mib);
  const input = "label: gpt\nstart=2048, size=131072\n";
  childProcess.execFileSync("sfdisk", ["--quiet", path], { input });
  const at = `offset=${mib}`;
  childProcess.execFileSync("mke2fs", [
    "-q",
    "-F",
    "-t",
    "ext4",
    "-O",
    "^metadata_csum",
    "-E",
    at,
    path,
    "64m",
  ]);
  // Documentation/filesystems/ext4/super.rst: the upper byte of s_feature_incompat, with a bit that nobody has yet.
  writeSync(file, Uint8Array.of(0x80), 0, 1, mib + 1024 + 0x60 + 3);
  const found: number[] = [];
  const partition = {
    ...{ index: 1, type: "0fc63daf-8483-4772-8e79-3d69d8477de4", fs: "ext4", mode: "used" },
    ...{ label: null, uuid: null, start: mib, size: 64 * mib, usedBytes: 8 * mib },
  };
  const manifest = { diskBytes: 66 * mib, logicalSector: 512, partitions: [partition] };
  await assert.rejects(
    shrinkDisk({
      ...{ path, signal, manifest: manifest as unknown as Manifest, targetBytes: 40 * mib },
      log: () => {},
      progress: () => {},
      leastFound: async (bytes) => void found.push(bytes),
    }),
    { code: "failed", message: /unsupported feature/, next: /newer e2fsprogs/ },
  );
  assert.deepEqual(found, []);
});

test("a tool that was ended has failed", async (t) => {
  const ended = Object.assign(new Error("Command failed: resize2fs"), { signal: "SIGKILL" });
  const end = (...[, , , told]: readonly unknown[]): { kill(): void } => {
    setImmediate(told as (...all: unknown[]) => void, ended, "", "");
    return { kill() {} };
  };
  t.mock.method(childProcess, "execFile", end as never);
  syncBuiltinESMExports();
  t.after(() => syncBuiltinESMExports());
  await assert.rejects(toolEnd({ signal } as never, ["resize2fs", "-P", "/dev/null"]), {
    code: "failed",
    message: /^resize2fs was ended: /,
  });
});
