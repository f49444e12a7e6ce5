import assert from "node:assert/strict";
import { test } from "node:test";
import { isAtLeast, levelOf } from "../../../core/trust/level.ts";

const key = (kind: "tpm" | "file" | "memory", state: "waiting" | "placed" | "doubt" | "revoked") =>
  ({ kind, state, pcrDigest: kind === "tpm" ? "aa" : null }) as const;

const cases = [
  ["a key that nobody placed", key("tpm", "waiting"), "aa", "waiting"],
  ["a key in doubt", key("tpm", "doubt"), "aa", "waiting"],
  ["a revoked key", key("file", "revoked"), null, "waiting"],
  ["a placed key in memory", key("memory", "placed"), null, "unproven"],
  ["a placed key in a file", key("file", "placed"), null, "placed"],
  ["a placed TPM that started what it was placed with", key("tpm", "placed"), "aa", "attested"],
  ["a placed TPM that started something else", key("tpm", "placed"), "bb", "placed"],
  ["a placed TPM that quoted other registers", key("tpm", "placed"), null, "placed"],
  [
    "a TPM that was placed while it was off",
    { ...key("tpm", "placed"), pcrDigest: null },
    null,
    "placed",
  ],
] as const;

for (const [what, of, quoted, level] of cases)
  test(`${what} is ${level}`, () => assert.equal(levelOf(of, quoted), level));

test("levels are ordered", () => {
  const levels = ["stranger", "waiting", "unproven", "placed", "attested"] as const;
  levels.forEach((level, at) => {
    levels.forEach((needed, other) => {
      assert.equal(isAtLeast(level, needed), at >= other);
    });
  });
});
