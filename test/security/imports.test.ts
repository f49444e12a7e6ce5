/** A disk that somebody hands over may name other files, or lead to them: none of them gets into an image. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { openTransfers, type Transfers } from "../client/transfer/open-transfers.ts";

const mib = 1 << 20;
let at: Transfers;
let folder = "";
let secret = "";
/** Counts who connects: nobody should. */
let server: Server;
let connections = 0;

before(async () => {
  at = await openTransfers();
  server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  server.close();
  await at.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-import-"));
  secret = join(folder, "secret");
  writeFileSync(secret, "a canary".padEnd(mib, "."));
});
afterEach(() => rmSync(folder, { recursive: true }));

const tool = (name: string, ...args: string[]): string =>
  execFileSync(name, args, { encoding: "utf8" });
const address = (): string => `nbd://127.0.0.1:${(server.address() as AddressInfo).port}/x`;

/** It is refused for what it names, before anything there was opened, and nothing is stored. */
async function assertRefused(path: string, message: RegExp, what: string): Promise<void> {
  const { storedBytes } = await at.images.usage();
  await assert.rejects(at.import(path, "taken", true), { message }, what);
  assert.equal(at.images.find("taken"), undefined, what);
  assert.equal((await at.images.usage()).storedBytes, storedBytes, what);
  assert.equal(connections, 0, what);
}

const descriptor = (extent: string): string =>
  [
    ...["# Disk DescriptorFile", "version=1", "CID=12345678", "parentCID=ffffffff"],
    ...['createType="monolithicFlat"', extent, 'ddb.adapterType = "ide"', ""],
  ].join("\n");

test("a VMDK whose extent lies elsewhere is refused", async () => {
  mkdirSync(join(folder, "disk"));
  symlinkSync("../secret", join(folder, "disk/link"));
  const path = join(folder, "disk/d.vmdk");
  const extents = [
    `RW 2048 FLAT "${secret}" 0`,
    'RW 2048 FLAT "../secret" 0',
    'RW 2048 FLAT "link" 0',
    `RW 2048 FLAT "${address()}" 0`,
    `RW 2048 FLAT "json:{\\"driver\\":\\"file\\",\\"filename\\":\\"${secret}\\"}" 0`,
    // QEMU takes the end of a line for a blank.
    `RW\n2048\nFLAT\n"${secret}" 0`,
    `RW\t2048  SPARSE "${secret}"`,
  ];
  for (const extent of extents) {
    writeFileSync(path, descriptor(extent));
    await assertRefused(path, /only a part of a disk/, extent);
  }
  // The same, in the binary form without content of its own.
  const binary = Buffer.alloc(4096);
  binary.write("KDMV");
  binary.writeUInt32LE(1, 4);
  binary.writeBigUInt64LE(1n, 28);
  binary.writeBigUInt64LE(4n, 36);
  binary.write(descriptor(extents[0] ?? ""), 512);
  writeFileSync(path, binary);
  await assertRefused(path, /only a part of a disk/, "KDMV");
});

test("a VMDK in pieces beside each other is taken", async () => {
  for (const kind of ["monolithicFlat", "twoGbMaxExtentSparse"]) {
    const path = join(folder, `${kind}.vmdk`);
    tool("qemu-img", "create", "-q", "-f", "vmdk", "-o", `subformat=${kind}`, path, "2M");
    const image = await at.import(path, kind, true);
    assert.equal(image.diskBytes, 2 * mib);
  }
});

test("a qcow2 that keeps its data elsewhere is refused before it is opened", async () => {
  const path = join(folder, "d.qcow2");
  tool("qemu-img", "create", "-q", "-f", "qcow2", path, "2M");
  for (const backing of [secret, address(), `json:{"driver":"nbd","path":"${address()}"}`]) {
    tool("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", backing, path);
    await assertRefused(path, /only a part of a disk: the rest is in/, backing);
  }
  const data = join(folder, "data.raw");
  const options = `data_file=${data},data_file_raw=on`;
  tool("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path, "2M");
  await assertRefused(path, /only a part of a disk: the rest is in another file/, "data file");
});

test("a name that QEMU would read as an option or an address is a name", async () => {
  const home = process.cwd();
  process.chdir(folder);
  try {
    for (const name of ["-f.qcow2", "nbd:127.0.0.1:1.qcow2"]) {
      tool("qemu-img", "create", "-q", "-f", "qcow2", join(folder, name), "2M");
      assert.equal((await at.import(name, "named", true)).diskBytes, 2 * mib, name);
    }
  } finally {
    process.chdir(home);
  }
});

test("a saved folder with a link, a pipe or a device in it is refused", async () => {
  const disk = join(folder, "disk");
  writeFileSync(disk, "");
  truncateSync(disk, 8 * mib);
  execFileSync("sfdisk", ["-q", disk], { input: "label: dos\nstart=2048,size=4096,type=83\n" });
  const table = tool("sfdisk", "--dump", disk);
  const odd: Readonly<Record<string, (path: string) => void>> = {
    link: (path) => symlinkSync("../secret", path),
    pipe: (path) => void tool("mkfifo", path),
    device: (path) => void tool("mknod", path, "c", "1", "5"),
  };
  for (const [kind, make] of Object.entries(odd)) {
    const saved = join(folder, kind);
    mkdirSync(saved);
    writeFileSync(join(saved, "d1.partitions"), table);
    writeFileSync(join(saved, "d1p1.img"), "");
    make(join(saved, "d1.mbr"));
    await assertRefused(saved, /d1\.mbr is a link, a device or a pipe/, `FOG, ${kind}`);

    const other = join(folder, `clonezilla-${kind}`);
    mkdirSync(other);
    writeFileSync(join(other, "parts"), "sda1\n");
    writeFileSync(join(other, "sda-pt.sf"), table);
    writeFileSync(join(other, "sda-mbr"), Buffer.alloc(512));
    make(join(other, "sda1.dd-img.aa"));
    await assertRefused(other, /sda1\.dd-img\.aa is a link/, `Clonezilla, ${kind}`);
  }
});

test("a table that names files by a path finds none", async () => {
  const saved = join(folder, "saved");
  mkdirSync(saved);
  writeFileSync(join(saved, "parts"), "../secret1\n");
  writeFileSync(
    join(saved, "sda-pt.sf"),
    "label: dos\ndevice: /dev/sda\nunit: sectors\n\n/dev/../../secret1 : start=2048, size=2048, type=83\n",
  );
  writeFileSync(join(saved, "sda-mbr"), Buffer.alloc(512));
  const { warnings, usedBytes } = await at.import(saved, "taken", true);
  assert.match(warnings.join(), /nothing is kept of it/);
  assert(usedBytes <= mib, "only the chunk of the table is kept");
});
