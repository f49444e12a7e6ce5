import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodePeLayout, peHeaderBytes } from "../../../core/wire/pe.ts";
import { stubFile } from "../../../initrd/secure-boot/image.ts";

const stub = readFileSync(stubFile);

test("the sections of systemd's stub, as its linker laid them out", () => {
  const layout = decodePeLayout(stub.subarray(0, peHeaderBytes));
  assert(layout.ok);
  const { sections, imageBase, alignment, endAddress } = layout.value;
  const names = sections.map(({ name }) => name);
  for (const name of [".text", ".data", ".sbat", ".sdmagic"]) assert(names.includes(name), name);
  const sbat = sections.find(({ name }) => name === ".sbat");
  const text = String(stub.subarray(sbat?.offset, (sbat?.offset ?? 0) + (sbat?.bytes ?? 0)));
  assert.match(text, /^sbat,1,SBAT Version,[\s\S]*\nsystemd\./);
  assert.equal(imageBase, 0);
  assert(alignment > 0 && endAddress > stub.length / 2);
});

test("what is no such program, or is cut off, is said", () => {
  const reason = (bytes: Uint8Array) => {
    const layout = decodePeLayout(bytes);
    return layout.ok ? null : layout.reason;
  };
  assert.equal(reason(new Uint8Array()), "truncated");
  assert.equal(reason(new Uint8Array(100)), "no MZ at its start");
  for (const length of [63, 70, 200, 400])
    assert.equal(reason(stub.subarray(0, length)), "truncated");
});

test("any bytes are read or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(1000), (noise, at) => {
      const bytes = new Uint8Array(stub.subarray(0, peHeaderBytes));
      bytes.set(noise, at);
      decodePeLayout(bytes);
    }),
  );
});
