/**
 * `make test-vlan`: one server and several VLANs on one cable, in a guest that has 802.1Q, which the host's own kernel may
 * lack. It runs the boot image's kernel on the host's files, and what it writes is gone with its memory.
 */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CpioEntry, encodeCpio } from "../../initrd/build/cpio.ts";
import { chooseModules, findKernel, readModules } from "../../initrd/build/kernel.ts";
import { modulesDep } from "../../initrd/build/modules.ts";
import { repository } from "./lab.ts";
import { roomFolder } from "./room-run.ts";
import { run } from "./run.ts";

/** Four times what two cores without KVM take that have other work, too. */
const limitMs = 2_400_000;
const memoryMib = 2048;
const modules = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "tun", "veth", "bridge", "8021q"];

const folder = join(roomFolder, "vlan");
await mkdir(folder, { recursive: true });
const initrd = join(folder, "initrd.img");
const kernel = await findKernel(await unpacked(/^linux-image-\d/));
await writeFile(initrd, encodeCpio(await contents()));
const { stdout } = await run(
  [
    ...["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config"],
    ...["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-no-reboot"],
    ...["-m", String(memoryMib), "-display", "none", "-serial", "stdio"],
    ...[
      "-kernel",
      kernel.vmlinuz,
      "-initrd",
      initrd,
      "-append",
      "console=ttyS0 loglevel=3 panic=-1",
    ],
    "-virtfs",
    "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
  ],
  { timeoutMs: limitMs, accept: [0, -1], onLine: (line) => console.log(line) },
);
assert.match(stdout, /^guest: ended with 0\r?$/m, "the guest's tests have passed");

/** The folder of a package that the boot image is made of. */
async function unpacked(name: RegExp): Promise<string> {
  const packages = join(repository, "build", "cache", "unpacked");
  const found = (await readdir(packages)).find((each) => name.test(each));
  assert(found !== undefined, `${packages} has ${name}: make initrd`);
  return join(packages, found);
}

async function contents(): Promise<CpioEntry[]> {
  const busybox = join(await unpacked(/^busybox-static_/), "bin", "busybox");
  const chosen = chooseModules(kernel, await readModules(kernel), modules);
  const moduleFolder = `lib/modules/${kernel.version}`;
  const file = (path: string, data: Uint8Array, permissions = 0o644): CpioEntry => ({
    ...{ kind: "file", path, permissions, data },
  });
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  return [
    ...["dev", "host", "own", "root"].map(
      (path): CpioEntry => ({ kind: "directory", path, permissions: 0o755 }),
    ),
    { kind: "character-device", path: "dev/console", permissions: 0o600, major: 5, minor: 1 },
    file("bin/busybox", await readFile(busybox), 0o755),
    file("init", text(init()), 0o755),
    ...chosen.map(({ module, data }) => file(`${moduleFolder}/${module.path}`, data)),
    file(`${moduleFolder}/modules.dep`, text(modulesDep(chosen.map(({ module }) => module)))),
  ];
}

/** The first process: the host's files below, memory on top, and in that the tests. */
function init(): string {
  return `#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
modprobe -a ${modules.join(" ")}
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host
mount -t tmpfs none /own
mkdir /own/files /own/work
mount -t overlay -o lowerdir=/host,upperdir=/own/files,workdir=/own/work none /root
mount -t proc none /root/proc
mount -t sysfs none /root/sys
mount -t devtmpfs none /root/dev
mount -t tmpfs none /root/run
echo "guest: tests begin"
NODE_COMPILE_CACHE=${process.env.NODE_COMPILE_CACHE ?? ""} chroot /root ${process.execPath} --disable-warning=ExperimentalWarning --test --test-isolation=none --test-reporter=spec ${join(import.meta.dirname, "vlan-guest.ts")}
echo "guest: ended with $?"
poweroff -f
`;
}
