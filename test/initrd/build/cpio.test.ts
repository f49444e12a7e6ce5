import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type CpioEntry, encodeCpio } from "../../../initrd/build/cpio.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const file = (path: string, data: string, permissions = 0o644): CpioEntry => ({
  path,
  kind: "file",
  permissions,
  data: text(data),
});

const sample: readonly CpioEntry[] = [
  file("init", "#!/bin/sh\n", 0o755),
  { path: "dev/console", kind: "character-device", permissions: 0o600, major: 5, minor: 1 },
  { path: "bin/sh", kind: "symlink", target: "busybox" },
  { path: "tmp", kind: "directory", permissions: 0o1777 },
];

test("golden: a whole archive, byte for byte", () => {
  // Written out by hand from buffer-format.rst: name, mode, uid, gid, nlink, mtime, size.
  const header = (...fields: string[]): string => `070701${fields.join("")}`;
  const zero = "00000000";
  const time = "6955B900"; // 2026-01-01T00:00:00Z
  const expected = [
    header("00000001", "000081A4", zero, zero, "00000001", time, "00000003"),
    zero.repeat(4), // devmajor, devminor, rdevmajor, rdevminor
    "00000002", // "a" and its NUL
    zero, // check
    "a\0", // 110 + 2 = 112, a multiple of 4
    "xyz\0", // data, padded to 4
    header(zero, zero, zero, zero, "00000001", zero, zero),
    zero.repeat(4),
    "0000000B",
    zero,
    "TRAILER!!!\0", // 110 + 11 = 121
    "\0\0\0", // to 124
  ].join("");
  const archive = encodeCpio([file("a", "xyz")]);
  assert.equal(Buffer.from(archive).toString("latin1"), expected.padEnd(512, "\0"));
});

test("an independent cpio lists the archive and unpacks it", { skip: !hasCpio() }, () => {
  const list = spawnSync("cpio", ["-tvn", "--quiet"], { input: encodeCpio(sample) });
  assert.equal(list.status, 0, String(list.stderr));
  const lines = String(list.stdout).trim().split("\n");
  assert.deepEqual(
    lines.map((line) => line.split(/\s+/).at(0)),
    // bin, bin/sh, dev, dev/console, init, tmp
    ["drwxr-xr-x", "lrwxrwxrwx", "drwxr-xr-x", "crw-------", "-rwxr-xr-x", "drwxrwxrwt"],
  );
  assert.match(lines[1] as string, /bin\/sh -> busybox$/);
  assert.match(lines[3] as string, /0\s+0\s+5,\s+1 .*dev\/console$/);

  const one = spawnSync("cpio", ["-i", "--to-stdout", "--quiet", "init"], {
    input: encodeCpio(sample),
  });
  assert.equal(String(one.stdout), "#!/bin/sh\n");
});

test("same entries in any order: same bytes", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...sample], { minLength: sample.length }), (shuffled) => {
      assert.deepEqual(encodeCpio(shuffled), encodeCpio(sample));
    }),
  );
});

test("any files: read back by a second reading of the format", () => {
  const name = fc.stringMatching(/^[a-zé._-]{1,12}$/).filter((text) => !/^\.{1,2}$/.test(text));
  const files = fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 40 })), {
    selector: ([path]) => path,
  });
  fc.assert(
    fc.property(files, (pairs) => {
      const archive = encodeCpio(
        pairs.map(([path, data]) => ({ path, kind: "file", permissions: 0o600, data })),
      );
      assert.equal(archive.length % 512, 0);
      const read = readFiles(archive);
      assert.deepEqual([...read.keys()].sort(), pairs.map(([path]) => path).sort());
      for (const [path, data] of pairs) assert.deepEqual(read.get(path), Buffer.from(data));
    }),
  );
});

test("mistakes are refused: a path twice, absolute, with dots, below a file", () => {
  assert.throws(() => encodeCpio([file("a", ""), file("a", "")]), /twice/);
  for (const path of ["/etc", "a//b", "a/../b", "./a", "a/", ""])
    assert.throws(() => encodeCpio([file(path, "")]), /not a path/, path);
  assert.throws(() => encodeCpio([file("a", ""), file("a/b", "")]), /no directory/);
});

function hasCpio(): boolean {
  return ["/bin/cpio", "/usr/bin/cpio"].some((path) => existsSync(path));
}

/** Reads regular files by offsets of the header alone. */
function readFiles(archive: Uint8Array): Map<string, Buffer> {
  const buffer = Buffer.from(archive);
  const found = new Map<string, Buffer>();
  for (let at = 0; ; ) {
    assert.equal(buffer.toString("latin1", at, at + 6), "070701");
    const field = (index: number): number =>
      Number.parseInt(buffer.toString("latin1", at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const name = buffer.toString("utf8", at + 110, at + 110 + field(11) - 1);
    if (name === "TRAILER!!!") return found;
    const data = Math.ceil((at + 110 + field(11)) / 4) * 4;
    found.set(name, buffer.subarray(data, data + field(6)));
    at = Math.ceil((data + field(6)) / 4) * 4;
  }
}
