import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { readDynamic, readModinfo, withoutSections } from "../../../initrd/build/elf.ts";
import { makeModule } from "./make-module.ts";

const shell = readFileSync("/bin/sh");

test("a real program: its loader and its libraries", () => {
  const dynamic = readDynamic(shell);
  assert(dynamic.ok);
  assert.equal(dynamic.value.interpreter, "/lib64/ld-linux-x86-64.so.2");
  assert.deepEqual(dynamic.value.needed, ["libc.so.6"]);
});

test("Node: what its binary needs", () => {
  const dynamic = readDynamic(readFileSync(process.execPath));
  assert(dynamic.ok);
  for (const name of ["libc.so.6", "libstdc++.so.6", "libm.so.6"])
    assert(dynamic.value.needed.includes(name), name);
});

test("a program cut after its segments still runs, and has no section table", () => {
  const cut = withoutSections(shell);
  assert(cut.ok);
  assert(cut.value.length < shell.length);
  const view = new DataView(cut.value.buffer);
  assert.equal(view.getUint16(60, true), 0);
  const folder = mkdtempSync(join(tmpdir(), "elf-"));
  try {
    const program = join(folder, "sh");
    writeFileSync(program, cut.value);
    chmodSync(program, 0o755);
    const ran = spawnSync(program, ["-c", "echo $((6 * 7))"]);
    assert.equal(String(ran.stdout), "42\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(readDynamic(cut.value), readDynamic(shell));
});

test("the strings of a module, repeated keys in order", () => {
  const fields = [
    ["license", "GPL"],
    ["alias", "pci:v00008086d0000*"],
    ["alias", "pci:v00008087d0000*"],
    ["depends", "libphy,mii"],
    ["parm", "debug:level=0..16"],
  ] as const;
  const modinfo = readModinfo(makeModule(fields));
  assert(modinfo.ok);
  assert.deepEqual(
    modinfo.value.map(({ key, value }) => [key, value]),
    fields,
  );
});

test("other files are told so", () => {
  assert.deepEqual(readDynamic(Buffer.from("#!/bin/sh\n")), { ok: false, reason: "not ELF" });
  assert.deepEqual(readDynamic(new Uint8Array(0)), { ok: false, reason: "truncated" });
  assert.deepEqual(readModinfo(shell), { ok: false, reason: "no .modinfo section" });
  const foreign = Buffer.from(shell.subarray(0, 4096));
  foreign.writeUInt16LE(183, 18); // EM_AARCH64
  assert.deepEqual(readDynamic(foreign), { ok: false, reason: "not 64-bit x86" });
});

test("fuzz: damaged files are answered, never thrown at", () => {
  const module = makeModule([["depends", "a,b"]]);
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      fc.constantFrom(shell, Buffer.from(module)),
      damage,
      fc.option(fc.nat()),
      (whole, changes, cut) => {
        const file = Buffer.from(cut === null ? whole : whole.subarray(0, cut % whole.length));
        // The headers decide where everything is: most of the damage goes there.
        for (const [where, value] of changes)
          if (file.length > 0) file[where % Math.min(file.length, 1024)] = value;
        for (const read of [readDynamic, readModinfo, withoutSections])
          assert.equal(typeof read(file).ok, "boolean");
      },
    ),
    { numRuns: 2000 },
  );
});
