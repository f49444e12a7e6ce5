import assert from "node:assert/strict";
import { test } from "node:test";
import { ipxeScript } from "../../../core/boot/ipxe-script.ts";
import { bootPlan, newerKernel, testPin } from "./boot-plan.ts";

const script = (changes: Parameters<typeof bootPlan>[0] = {}): string[] =>
  ipxeScript(bootPlan(changes)).split("\n");

const kernels = (lines: readonly string[]) => lines.filter((line) => line.includes("/vmlinuz "));

test("the language of the PC's screen is on the boot line, where it is not English", () => {
  assert(kernels(script()).every((line) => !line.includes("roomcast.language")));
  for (const line of kernels(script({ language: "pt", kernels: [newerKernel] })))
    assert.match(line, / roomcast\.language=pt /);
});

test("iPXE takes it for a script, and every jump has its label", () => {
  for (const decision of ["agent", "local-disk"] as const) {
    const lines = script({ decision, hasMemtest: true, kernels: [newerKernel] });
    assert.equal(lines[0], "#!ipxe");
    assert.equal(lines.at(-1), "", "the last line ends with a line break");
    const labels = lines.flatMap((line) => /^:(\S+)$/.exec(line)?.[1] ?? []);
    const jumps = lines.flatMap((line) =>
      [...line.matchAll(/goto ([a-z0-9-]+)/g)].map(([, to]) => to),
    );
    const items = lines.flatMap((line) => /^item --key . (\S+)/.exec(line)?.[1] ?? []);
    assert(jumps.length > 5);
    assert.deepEqual(items, ["agent", "safe", "kernel1", "memtest", "local-disk", "shell"]);
    assert.equal(new Set(labels).size, labels.length, "no label twice");
    for (const target of [...jumps, ...items]) assert(labels.includes(target as string), target);
    assert.match(lines[1] ?? "", new RegExp(`\\|\\| goto ${decision}$`), "without a key");
  }
});

test("the kernel hears where its server is, which interface it booted from, and what was configured", () => {
  const [plain, safe] = kernels(script());
  assert.equal(
    plain,
    "kernel http://10.77.0.1:8080/boot/vmlinuz initrd=initrd.img initrd=drivers.img" +
      ` roomcast.gate=https://10.77.0.1:8443 roomcast.key=${testPin}` +
      " roomcast.server=http://10.77.0.1:8080" +
      " BOOTIF=01-52-54-00-7e-00-01 quiet loglevel=3 console=ttyS0 || goto failed",
  );
  assert.match(safe ?? "", / console=ttyS0 nomodeset noapic .*\|\| goto failed$/);
});

test("a further kernel brings its own modules and arguments", () => {
  const lines = script({ kernels: [newerKernel] });
  const at = lines.indexOf(":kernel1");
  assert.match(
    lines[at + 1] ?? "",
    /\/boot\/kernels\/6\.12\/vmlinuz initrd=initrd\.img initrd=modules\.img /,
  );
  assert.match(lines[at + 1] ?? "", / quirk \|\| goto failed$/);
  assert.deepEqual(lines.slice(at + 2, at + 5), [
    "initrd http://10.77.0.1:8080/boot/initrd.img || goto failed",
    "initrd http://10.77.0.1:8080/boot/kernels/6.12/modules.img || goto failed",
    "boot || goto failed",
  ]);
});

test("to the local disk: UEFI looks for its loader, then wants an error; a BIOS starts the first disk", () => {
  const lines = script({ decision: "local-disk" });
  const at = lines.indexOf(":local-disk");
  assert.deepEqual(lines.slice(at + 1, at + 7), [
    "iseq ${platform} efi || goto bios-disk",
    "chain http://10.77.0.1:8080/boot/localboot.efi || exit 1",
    "exit 1",
    ":bios-disk",
    "sanboot --no-describe --drive 0x80 || exit 0",
    "exit 0",
  ]);
});

test("a PC whose last start hung hears what to try, and has time to read it", () => {
  const lines = script({ lastStartHung: true });
  assert.match(lines[1] ?? "", /^echo The last start of this PC did not reach the server/);
  assert(lines.some((line) => /^prompt --key m --timeout 10000 /.test(line)));
  assert(!script().some((line) => line.includes("did not reach")));
});
