/**
 * The packages on a Debian 12 of their own: `make test-package`. A virtual server installs them without a
 * network, is set up by one command, boots a PC by PXE, is killed, upgraded while it restores the PC, removed and purged.
 */
import assert from "node:assert/strict";
import {
  chmod,
  cp,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { installDebian } from "./debian.ts";
import { repository } from "./lab.ts";
import { openNetwork } from "./network.ts";
import { startPc } from "./pc.ts";
import { roomFolder } from "./room-run.ts";
import { run } from "./run.ts";
import { Steps } from "./steps.ts";

/** Three times what a quiet machine with two cores and no KVM takes. */
const limitMs = { pc: 1_200_000, all: 1_800_000 };
/** Of the server's disk: the system has 0.8 GB. */
const diskBytes = 3 * 1024 ** 3;

const folder = join(roomFolder, "package");
const steps = new Steps((line) => console.log(line));
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const root = join(folder, "root");
await steps.step("two versions of the packages", async () => {
  for (const [name, version] of [
    ["one", "1.0.0"],
    ["two", "99.0.0"],
  ] as const) {
    const out = join(folder, name);
    const words = ["--quick", "--out", out, "--version-of-package", version];
    await run([process.execPath, "package/main.ts", ...words], { cwd: repository });
    for (const file of await readdir(out))
      await rename(join(out, file), join(out, file.replace(/_.*/, ".deb")));
  }
});
await steps.step("lintian finds no errors", async () => {
  // What is misspelt in a program is never an error to it, and in Node it would look for that for 15 s.
  const without = ["--dont-check-part", "binaries/spelling"];
  const words = ["--allow-root", "--fail-on", "error", "--tag-display-limit", "0", ...without];
  await run(["lintian", ...words, join(folder, "two/roomcast.deb")]);
});
await steps.step("a Debian", async () => {
  const packages = ["adduser", "debconf", "libgcc-s1", "libstdc++6"];
  await installDebian(root, { packages, initramfs: false });
  await writeFile(
    join(root, "etc/systemd/network/80-wired.network"),
    "[Match]\nName=eth0\n\n[Network]\nAddress=10.77.0.2/24\nLinkLocalAddressing=no\n",
  );
  for (const name of ["one", "two"])
    await cp(join(folder, name), join(root, "root", name), { recursive: true });
  const guest = join(root, "root/guest.sh");
  await cp(join(import.meta.dirname, "package-guest.sh"), guest);
  await chmod(guest, 0o755);
  const unit = join(root, "etc/systemd/system/guest.service");
  await writeFile(
    unit,
    "[Unit]\nAfter=multi-user.target systemd-networkd.service\n\n[Service]\nType=idle\nExecStart=/root/guest.sh\n",
  );
  await symlink(
    unit.slice(root.length),
    join(root, "etc/systemd/system/multi-user.target.wants/guest.service"),
  );
});
const disk = join(folder, "server.raw");
await steps.step("its disk", async () => {
  await writeFile(disk, "");
  await truncate(disk, diskBytes);
  await run(["mkfs.ext4", "-q", "-d", root, disk]);
});
const kernel = (await readdir(join(root, "boot"))).find((name) => name.startsWith("vmlinuz-"));
assert(kernel !== undefined, "the system has a kernel");
const network = await openNetwork();
try {
  const server = await startPc(
    {
      ...{ name: "server", number: 1, firmware: "bios", disk, bus: "nvme", nic: "virtio" },
      ...{ bootFirst: "disk", memoryMib: 1536, folder },
      kernel: {
        kernel: join(root, "boot", kernel),
        initrd: null,
        append: "root=/dev/nvme0n1 rootwait rw quiet net.ifnames=0 console=ttyS0,115200",
      },
    },
    network,
  );
  const saidUntil = (pattern: RegExp, ms: number) => server.waitForSerial(pattern, ms);
  await steps.step("installed and set up", () => saidUntil(/STEP PC NOW/, limitMs.pc));
  const none = join(folder, "none.raw");
  await writeFile(none, "");
  await truncate(none, 1024 ** 3);
  const pc = await startPc(
    {
      ...{ name: "pc", number: 2, firmware: "bios", disk: none, bus: "nvme", nic: "e1000e" },
      ...{ bootFirst: "network", memoryMib: 768, folder },
    },
    network,
  );
  await steps.step("a PC, by PXE", () => saidUntil(/STEP a PC is idle: .*/, limitMs.pc));
  await steps.step("killed, upgraded in the middle of a restore, which ends well", () =>
    saidUntil(/STEP the PC is verified: .*/, limitMs.all),
  );
  await pc.powerOff();
  await steps.step("purged", () => saidUntil(/STEP DONE/, limitMs.pc));
  const lines = [...server.serial().matchAll(/^STEP (.*?)\r?$/gm)].map(([, line = ""]) => line);
  for (const line of lines) console.log(`  ${line}`);
  assert.deepEqual(
    lines.filter((line) => !/: OK|^PC NOW$|^DONE$/.test(line)),
    [],
  );
  assert(lines.length > 30, "every step was taken");
  for (const line of steps.table()) console.log(line);
} finally {
  network.remove();
}
await rm(folder, { recursive: true, force: true });
