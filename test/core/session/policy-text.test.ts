import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePolicy, policyText } from "../../../core/session/policy-text.ts";
import { anyDisk } from "../../../core/wire/disk-policy.ts";

test("what people write, and what is made of it", () => {
  const cases = {
    any: anyDisk,
    "transport=nvme,sata": { ...anyDisk, transports: ["nvme", "sata"] },
    'model="Samsung SSD*" size=200GB-1TB': {
      ...anyDisk,
      model: "Samsung SSD*",
      minBytes: 200e9,
      maxBytes: 1e12,
    },
    "serial=A1,B2 size=-256GB": { ...anyDisk, serials: ["A1", "B2"], maxBytes: 256e9 },
    "size=1.5tb-": { ...anyDisk, minBytes: 1.5e12 },
  };
  for (const [text, value] of Object.entries(cases)) {
    assert.deepEqual(parsePolicy(text), { ok: true, value }, text);
    assert.deepEqual(parsePolicy(policyText(value)), { ok: true, value });
  }
});

test("what makes no sense is refused with a reason", () => {
  for (const text of [
    "",
    "  ",
    "nvme",
    "largest",
    "transport=",
    "transport=,",
    "size=-",
    "size=1TB-1GB",
    "size=5",
    "color=red",
    'model=""',
  ]) {
    const parsed = parsePolicy(text);
    assert(!parsed.ok && parsed.reason !== "", text);
  }
});

test("any text is read or refused", () => {
  fc.assert(fc.property(fc.string(), (text) => void parsePolicy(text)));
});
