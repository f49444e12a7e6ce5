import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bootKernels, kernelsFor } from "../../../../server/gate/boot/boot-kernels.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-kernels-"));
  mkdirSync(join(folder, "kernels/6.12"), { recursive: true });
  for (const name of ["drivers.img", "kernels/6.12/vmlinuz", "kernels/6.12/modules.img"])
    writeFileSync(join(folder, name), "");
});
after(() => rmSync(folder, { recursive: true }));

test("the standard kernel with all drivers, unless set or known to be small", () => {
  const full = bootKernels(folder, { kernelArguments: ["quirk"] });
  assert.deepEqual(
    full.map(({ initrds, arguments: words }) => [initrds, words]),
    [[["initrd.img", "drivers.img"], ["quirk"]]],
  );
  assert.deepEqual(bootKernels(folder, { image: "small" })[0].initrds, ["initrd.img"]);
  assert.deepEqual(kernelsFor(full, 500 * 2 ** 20)[0].initrds, ["initrd.img"]);
  assert.deepEqual(kernelsFor(full, null), full);
  assert.deepEqual(kernelsFor(full, 2 ** 31), full);
});

test("a further kernel behind it, with its own words; one that is not there is refused", () => {
  const [, further] = bootKernels(folder, {
    kernelArguments: ["quirk"],
    kernels: [{ name: "6.12", title: "newer kernel", arguments: ["nomodeset"] }],
  });
  assert.deepEqual(further, {
    title: "newer kernel",
    vmlinuz: "kernels/6.12/vmlinuz",
    initrds: ["initrd.img", "kernels/6.12/modules.img"],
    arguments: ["quirk", "nomodeset"],
  });
  assert.throws(() => bootKernels(folder, { kernels: [{ name: "7.0" }] }), {
    code: "not-found",
    message: /offers kernel 7\.0, and there is no .*kernels\/7\.0\/vmlinuz/,
  });
});
