import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { grubScript, grubScriptName, localDiskCommands } from "../../../core/boot/grub-script.ts";
import { bootPlan, newerKernel } from "./boot-plan.ts";

test("GRUB's own parser takes the scripts", () => {
  for (const changes of [
    {},
    { decision: "local-disk", lastStartHung: true, hasMemtest: true, kernels: [newerKernel] },
  ] as const) {
    const checked = spawnSync("grub-script-check", { input: grubScript(bootPlan(changes)) });
    assert.equal(checked.status, 0, String(checked.stderr));
  }
  const checked = spawnSync("grub-script-check", { input: `${localDiskCommands.join("\n")}\n` });
  assert.equal(checked.status, 0, String(checked.stderr));
});

test("the default is what the server decides, and is an entry", () => {
  for (const decision of ["agent", "local-disk"] as const) {
    const text = grubScript(bootPlan({ decision }));
    assert.match(text, new RegExp(`^set default=${decision}$`, "m"));
    assert.match(text, new RegExp(`--id ${decision} `));
  }
});

test("kernel and initrds by paths of the TFTP server, with the same boot line as iPXE's", () => {
  const text = grubScript(bootPlan({ kernels: [newerKernel] }));
  assert.match(
    text,
    /if linux \/vmlinuz roomcast\.gate=https:\S+ roomcast\.key=sha256:\S+ roomcast\.server=http:\/\/10\.77\.0\.1:8080 BOOTIF=01-52-54-00-7e-00-01 .*; then\n {4}if initrd \/initrd\.img \/drivers\.img; then boot; fi/,
  );
  assert.match(text, /initrd \/initrd\.img \/kernels\/6\.12\/modules\.img;/);
});

test("the name by which a PC asks for its script", () => {
  assert.equal(grubScriptName.exec("grub/pc/52:54:00:7e:00:01.cfg")?.[1], "52:54:00:7e:00:01");
  assert.equal(grubScriptName.exec("grub/grub.cfg"), null);
});
