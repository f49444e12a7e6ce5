import assert from "node:assert/strict";
import childProcess, { type ExecFileOptions } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";

test("what grows a file system is given a day, however large that is", async (t) => {
  const limits: Record<string, number | undefined> = {};
  const succeed = (
    tool: string,
    _: readonly string[],
    { timeout }: ExecFileOptions,
    end: (error: Error | null, stdout: string, stderr: string) => void,
  ): void => {
    limits[tool] = timeout;
    setImmediate(end, null, "", "");
  };
  t.mock.method(childProcess, "execFile", succeed as never);
  syncBuiltinESMExports();
  const { growers } = await import("../../../imaging/fit/file-system.ts");
  for (const fs of ["ext4", "ntfs", "xfs"]) {
    assert.equal(await growers[fs]?.("/dev/null", new AbortController().signal), null);
  }
  const day = 24 * 3600_000;
  for (const tool of ["e2fsck", "resize2fs", "ntfsresize", "xfs_growfs"]) {
    assert.equal(limits[tool], day, tool);
  }
});
