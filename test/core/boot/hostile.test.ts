/** A short run of what `make fuzz` does at length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzDhcp, fuzzTftp } from "../../fuzz/boot-inputs.ts";

const count = 20_000;

for (const [name, fuzz] of [
  ["DHCP", fuzzDhcp],
  ["TFTP", fuzzTftp],
] as const) {
  test(`${name}: ${count} hostile inputs are survived, and enough of them understood`, () => {
    const { read, answers } = fuzz(count, 1);
    assert(read > count / 4, `only ${read} were read`);
    assert(answers > count / 20, `only ${answers} answers`);
  });
}
