import assert from "node:assert/strict";
import { test } from "node:test";
import { type IpxeScriptOptions, ipxeScript } from "../../../core/boot/ipxe-script.ts";
import { parseMac } from "../../../core/units/mac.ts";

const script = (changes: Partial<IpxeScriptOptions> = {}): string[] =>
  ipxeScript({
    serverUrl: "http://10.77.0.1:8080",
    mac: parseMac("52:54:00:7E:00:01") as NonNullable<ReturnType<typeof parseMac>>,
    decision: "agent",
    kernelArguments: [],
    ...changes,
  }).split("\n");

const kernels = (lines: readonly string[]) => lines.filter((line) => line.startsWith("kernel "));

test("iPXE takes it for a script, and every jump has its label", () => {
  for (const decision of ["agent", "local-disk"] as const) {
    const lines = script({ decision });
    assert.equal(lines[0], "#!ipxe");
    assert.equal(lines.at(-1), "", "the last line ends with a line break");
    const labels = lines.flatMap((line) => /^:(\S+)$/.exec(line)?.[1] ?? []);
    const jumps = lines.flatMap((line) =>
      [...line.matchAll(/goto ([a-z-]+)/g)].map(([, to]) => to),
    );
    const items = lines.flatMap((line) => /^item --key . (\S+)/.exec(line)?.[1] ?? []);
    assert(jumps.length > 5 && items.length === 4);
    for (const target of [...jumps, ...items]) assert(labels.includes(target as string), target);
    assert.match(lines[1] ?? "", new RegExp(`\\|\\| goto ${decision}$`), "without a key");
  }
});

test("the kernel hears where its server is, which interface it booted from, and what was configured", () => {
  const [plain, safe] = kernels(script({ kernelArguments: ["console=tty0", "console=ttyS0"] }));
  assert.equal(
    plain,
    "kernel http://10.77.0.1:8080/boot/vmlinuz initrd=initrd.img roomcast.server=http://10.77.0.1:8080" +
      " BOOTIF=01-52-54-00-7e-00-01 quiet loglevel=3 console=tty0 console=ttyS0 || goto failed",
  );
  assert.match(safe ?? "", / console=ttyS0 nomodeset noapic \|\| goto failed$/);
});

test("to the local disk: UEFI wants an error, a BIOS none", () => {
  const lines = script({ decision: "local-disk" });
  const at = lines.indexOf(":local-disk");
  assert.equal(lines[at + 1], "iseq ${platform} efi && exit 1 || exit 0");
});
