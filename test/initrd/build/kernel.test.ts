import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { tools } from "../../../initrd/build/contents.ts";
import { alwaysLoaded } from "../../../initrd/build/drivers.ts";
import { chooseModules, findKernel, readModules } from "../../../initrd/build/kernel.ts";
import { makeModule } from "./make-module.ts";

const top = mkdtempSync(join(tmpdir(), "roomcast-kernel-"));
after(() => rmSync(top, { recursive: true }));

const write = (path: string, data: string | Uint8Array): void => {
  const full = join(top, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, data);
};

before(() => {
  const modules = "debian/lib/modules/6.12.1/";
  write("debian/boot/vmlinuz-6.12.1", "kernel");
  write("debian/boot/config-6.12.1", "CONFIG_RD_ZSTD=y\n");
  write(`${modules}modules.builtin`, "kernel/fs/builtin.ko\n");
  const plain = (path: string, depends = ""): void =>
    write(`${modules}kernel/${path}`, makeModule([["depends", depends]]));
  plain("drivers/scsi/hpsa.ko", "scsi_mod");
  plain("drivers/scsi/scsi_mod.ko");
  plain("drivers/scsi/sr_mod.ko", "scsi_mod");
  plain("drivers/usb/storage/uas.ko");
  plain("drivers/md/md-mod.ko");
  plain("drivers/target/tcm.ko", "md-mod");
  write(`${modules}kernel/drivers/net/e.ko.zst`, zstdCompressSync(makeModule([["depends", ""]])));
  write("own/vmlinuz", "kernel");
  write("own/lib/modules/6.13/modules.builtin", "");
  write("old/boot/vmlinuz-5", "kernel");
  write("old/boot/config-5", "# CONFIG_RD_ZSTD is not set\n");
  write("old/lib/modules/5/x", "");
});

test("a kernel of a Debian package, and of a folder of one's own; none, and one without zstd", async () => {
  assert.equal((await findKernel(join(top, "debian"))).version, "6.12.1");
  assert.equal((await findKernel(join(top, "own"))).version, "6.13");
  await assert.rejects(findKernel(join(top, "own/lib")), /no file vmlinuz/);
  await assert.rejects(findKernel(join(top, "old")), /without CONFIG_RD_ZSTD/);
});

test("modules by name and by folder with what they need; never what is left out", async () => {
  const kernel = await findKernel(join(top, "debian"));
  const modules = await readModules(kernel);
  const chosen = (...wanted: string[]): string[] =>
    chooseModules(kernel, modules, wanted).map(({ module }) => module.path);
  assert.deepEqual(chosen("drivers/scsi/", "builtin"), [
    "kernel/drivers/scsi/hpsa.ko",
    "kernel/drivers/scsi/scsi_mod.ko",
  ]);
  assert.deepEqual(chosen("e"), ["kernel/drivers/net/e.ko"], "unpacked, under its plain name");
  assert.deepEqual(chosen("drivers/usb/"), []);
  assert.throws(() => chosen("gone"), { code: "not-found", message: /has no module gone/ });
  const anyway = chooseModules(kernel, modules, ["gone", "e"], { allowMissing: true });
  assert.equal(anyway.length, 1);
});

test("what losetup needs is loaded on every PC: there it finds no device else, and nothing loads one", () => {
  assert(tools.some(({ files }) => files.includes("sbin/losetup")));
  assert(alwaysLoaded.includes("loop"));
});

test("nothing that assembles a RAID or a volume group gets into the image, by no dependency", async () => {
  const kernel = await findKernel(join(top, "debian"));
  const modules = await readModules(kernel);
  for (const wanted of ["drivers/md/", "md-mod", "tcm"]) {
    assert.throws(() => chooseModules(kernel, modules, [wanted]), /no md_mod, which assembles/);
  }
  const assembling = /\b(mdadm|mdmon|lvm|vgchange|pvscan|dmsetup|dmraid|kpartx|udevd|cryptsetup)\b/;
  const files = tools.flatMap((each) => each.files.map((file) => file.split("/").at(-1) ?? ""));
  assert.deepEqual(
    files.filter((name) => assembling.test(name)),
    [],
  );
  const folder = join(import.meta.dirname, "../../../initrd/init");
  for (const name of readdirSync(folder)) {
    assert.doesNotMatch(readFileSync(join(folder, name), "utf8"), assembling, name);
  }
});
