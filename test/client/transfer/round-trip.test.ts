/** Every format out and in again; what is cut or damaged; a disk; Ctrl-C. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../../client/api/client.ts";
import { agentFor } from "../../../client/api/trust.ts";
import { exportImage } from "../../../client/transfer/export.ts";
import { importImage } from "../../../client/transfer/import.ts";
import {
  fill,
  inFolder,
  lookAt,
  makeAt,
  mib,
  mounted,
  type Place,
  placesOf,
  someFiles,
  tool,
  treeOf,
  withLoop,
} from "../../imaging/capture/disks.ts";
import { openApi } from "../../server/api/open-api.ts";
import { testKey } from "../../tls.ts";
import { openTransfers, type Transfers } from "./open-transfers.ts";

let at: Transfers;
before(async () => {
  at = await openTransfers();
});
after(() => at.close());

/** GPT with an ext4 that has files and free space, and some MiB that belong to nobody. */
function makeDisk(folder: string, size = 32 * mib): string {
  const disk = join(folder, "disk.raw");
  writeFileSync(disk, "");
  truncateSync(disk, size);
  tool("sfdisk", ["-q", disk], "label: gpt\nstart=2048, size=24MiB, type=linux\n");
  const files = someFiles(folder);
  for (const { start, size: bytes } of placesOf(disk)) {
    makeAt(disk, start, bytes, (part) => void tool("mkfs.ext4", ["-q", "-d", files, part]));
  }
  return disk;
}

test("raw and virtual disks come back by their used blocks with the same root hash", () =>
  inFolder(async (folder) => {
    const disk = makeDisk(folder);
    const base = await at.import(disk, "base");
    assert.equal(base.partitions[0]?.fs, "ext4");
    assert.ok(base.usedBytes < 24 * mib);
    await at.export("base", join(folder, "base.img"));
    for (const [suffix, driver] of [
      ["qcow2", "qcow2"],
      ["vhdx", "vhdx"],
      ["vmdk", "vmdk"],
      ["vhd", "vpc"],
    ] as const) {
      const path = join(folder, `base.${suffix}`);
      await at.export("base", path);
      assert.equal(statSync(path).mode & 0o077, 0);
      const told = JSON.parse(tool("qemu-img", ["info", "--output=json", path, "-f", driver]));
      assert.equal(told["virtual-size"], base.diskBytes);
      tool("qemu-img", ["compare", "-f", driver, "-F", "raw", path, join(folder, "base.img")]);
      await at.requireSame(await at.import(path, suffix), base, suffix);
    }
    await at.requireSame(await at.import(join(folder, "base.img"), "img"), base, "raw");
    await noneLeft(folder);
  }));

test("every byte of a disk goes through each compression and back", () =>
  inFolder(async (folder) => {
    const disk = makeDisk(folder);
    const whole = await at.import(disk, "whole", true);
    const original = readFileSync(disk);
    for (const [suffix, unpack] of [
      ["gz", "gzip"],
      ["zst", "zstd"],
      ["lz4", "lz4"],
      ["xz", "xz"],
      ["lzo", "lzop"],
    ] as const) {
      const path = join(folder, `disk.raw.${suffix}`);
      await at.export("whole", path);
      tool("sh", ["-ec", `${unpack} -dc < ${path} > ${folder}/back`]);
      assert.ok(readFileSync(join(folder, "back")).equals(original), suffix);
      const image = await at.import(path, `from-${suffix}`);
      await at.requireSame(image, whole, suffix);
      assert.deepEqual([image.partitionTable, image.partitions[0]?.start], ["gpt", mib]);
      assert.deepEqual(image.warnings, []);
    }
  }));

test("a partclone image of a single partition is a disk without a table", () =>
  inFolder(async (folder) => {
    const part = join(folder, "part");
    writeFileSync(part, "");
    truncateSync(part, 16 * mib);
    tool("mkfs.ext4", ["-q", "-d", someFiles(folder), part]);
    const saved = join(folder, "part.pc.zst");
    const read = `partclone.extfs -c -q -f 0 -s ${part} -O - -L /dev/null`;
    tool("sh", ["-ec", `${read} | zstd -q > ${saved}`]);
    await at.import(saved, "part");
    await at.export("part", join(folder, "back"));
    tool("e2fsck", ["-fn", join(folder, "back")]);
    const [image, direct] = [await at.import(saved, "part"), await at.import(part, "direct")];
    await at.requireSame(image, direct, "partition");
  }));

test("a raw file that is cut within a sector is a disk of whole ones, the last filled with zeros", () =>
  inFolder(async (folder) => {
    const cut = join(folder, "cut");
    fill(cut, 2 * mib + 100, 0x33);
    tool("zstd", ["-q", cut]);
    for (const [name, path] of Object.entries({ odd: cut, "odd-stream": `${cut}.zst` })) {
      const { diskBytes } = await at.import(path, name, true);
      assert.equal(diskBytes, 2 * mib + 512, name);
      await at.export(name, join(folder, `${name}.back`));
      const whole = Buffer.concat([readFileSync(cut), Buffer.alloc(412)]);
      assert(readFileSync(join(folder, `${name}.back`)).equals(whole), name);
    }
    const empty = join(folder, "empty");
    writeFileSync(empty, "");
    await assert.rejects(at.import(empty, "empty", true), { code: "bad-input", message: /empty/ });
  }));

test("what is cut or damaged is refused, and leaves nothing", () =>
  inFolder(async (folder) => {
    const disk = makeDisk(folder);
    await at.import(disk, "sound", true);
    const before = (await at.images.usage()).storedBytes;
    for (const name of [
      "d.qcow2",
      "d.vhdx",
      "d.vmdk",
      "d.vhd",
      "d.gz",
      "d.zst",
      "d.lz4",
      "d.xz",
      "d.lzo",
    ]) {
      const path = join(folder, name);
      await at.export("sound", path);
      const data = readFileSync(path);
      truncateSync(path, Math.floor(data.length / 2));
      await assert.rejects(
        at.import(path, "cut"),
        { code: "bad-input", message: /cut or damaged/ },
        name,
      );
      if (!/gz|zst|xz|lzo/.test(name)) continue;
      const middle = Math.floor(data.length / 2);
      data[middle] = (data[middle] as number) ^ 1;
      writeFileSync(path, data);
      await assert.rejects(at.import(path, "flipped"), { code: "bad-input" }, name);
    }
    truncateSync(disk, 20 * mib);
    await assert.rejects(at.import(disk, "cut"), {
      code: "bad-input",
      message: /partition table is of a disk of 33554432 bytes, and 20971520 are there/,
    });
    const cut = join(folder, "cut.zst");
    tool("zstd", ["-q", disk, "-o", cut]);
    await assert.rejects(at.import(cut, "cut"), { code: "bad-input", message: /33554432 bytes/ });
    const overlay = join(folder, "overlay.qcow2");
    tool("qemu-img", ["create", "-q", "-f", "qcow2", "-b", disk, "-F", "raw", overlay]);
    await assert.rejects(at.import(overlay, "cut"), {
      code: "bad-input",
      message: /the rest is in/,
    });
    await assert.rejects(at.import(join(folder, "nothing"), "cut"), { code: "bad-input" });
    assert.equal((await at.images.usage()).storedBytes, before);
    assert.equal(at.images.find("cut"), undefined);
    await noneLeft(folder);
  }));

test("onto a disk: named, confirmed, large enough, not in use; read back, and made to fit", () =>
  inFolder(async (folder) => {
    const disk = makeDisk(folder);
    await at.import(disk, "whole", true);
    const target = join(folder, "target");
    writeFileSync(target, Buffer.alloc(40 * mib, 0x5a));
    await withLoop(target, [], async (device) => {
      const name = device.slice("/dev/".length);
      await assert.rejects(at.export("whole", device, "sda"), /'sda' !== 'loop|sda/);
      assert.ok(readFileSync(target).equals(Buffer.alloc(40 * mib, 0x5a)));
      const said = await at.export("whole", device, name);
      assert.match(
        said.join("\n"),
        /partition table: done.*backup GPT.*\ngrowth of partition 1: done/,
      );
      assert.match(said.join("\n"), /file system of partition 1: done, ext4 grown/);
    });
    // The backup GPT is at the end of this disk, and the partition with its files goes up to it.
    assert.match(tool("sfdisk", ["--verify", target]), /No errors detected/);
    const [place] = placesOf(target);
    assert.ok(place !== undefined && place.start + place.size > 38 * mib);
    const filesOf = (path: string, { start, size }: Place) =>
      lookAt(path, start, size, (part) => {
        tool("e2fsck", ["-fn", part]);
        return mounted(part, "ro", treeOf);
      });
    const [before] = placesOf(disk);
    assert.deepEqual(filesOf(target, place), filesOf(disk, before as Place));

    // The same disk: bit for bit.
    const same = join(folder, "same");
    writeFileSync(same, Buffer.alloc(32 * mib, 0x5a));
    await withLoop(same, [], (device) => at.export("whole", device, device.slice(5)));
    assert.ok(readFileSync(same).equals(readFileSync(disk)));

    // Smaller, and all partitions end on it.
    const less = join(folder, "less");
    writeFileSync(less, Buffer.alloc(30 * mib, 0x5a));
    await withLoop(less, [], (device) => at.export("whole", device, device.slice(5)));
    assert.match(tool("sfdisk", ["--verify", less]), /No errors detected/);
    assert.deepEqual(filesOf(less, before as Place), filesOf(disk, before as Place));

    const small = join(folder, "small");
    writeFileSync(small, Buffer.alloc(24 * mib));
    await withLoop(small, [], (device) =>
      assert.rejects(at.export("whole", device, device.slice(5)), {
        code: "refused",
        message: /too small/,
      }),
    );
    tool("mkfs.ext4", ["-q", target]);
    await withLoop(target, [], async (device) => {
      tool("mkdir", [join(folder, "m")]);
      tool("mount", [device, join(folder, "m")]);
      try {
        const inUse = { code: "refused", message: /in use: mounted at/ };
        await assert.rejects(at.export("whole", device, device.slice(5)), inUse);
        await assert.rejects(at.import(device, "moving"), inUse);
      } finally {
        tool("umount", [join(folder, "m")]);
      }
    });
  }));

test("a damaged image onto a disk: bad-input, and the disk does not start", () =>
  inFolder(async (folder) => {
    const disk = makeDisk(folder);
    tool("dd", [`of=${disk}`, "if=/dev/urandom", "bs=1M", "seek=26", "count=2", "conv=notrunc"]);
    const { id } = await at.import(disk, "harmed", true);
    const target = join(folder, "target");
    writeFileSync(target, Buffer.alloc(32 * mib, 0x5a));
    let count = 0;
    const harmed = at.harming((path, body) => {
      // Nothing but one chunk's bytes.
      if (!path.startsWith(`/images/${id}/chunks?`)) return;
      const place = body.indexOf(readFileSync(disk).subarray(26 * mib, 26 * mib + 64));
      if (place === -1) return;
      count++;
      body[place + 1000] = (body[place + 1000] as number) ^ 1;
    });
    await withLoop(target, [], (device) =>
      assert.rejects(at.export("harmed", device, device.slice(5), harmed), {
        code: "bad-input",
        message: /harmed@1 is damaged: chunk 26 does not match its hash/,
      }),
    );
    assert.ok(count > 0, "the chunk was asked for");
    assert.ok(readFileSync(target).subarray(0, mib).equals(Buffer.alloc(mib)));
  }));

test("over the network with an operator's token; a viewer gets no disk", () =>
  inFolder(async (folder) => {
    const tls = await testKey();
    const api = await openApi("tokens", { tls });
    try {
      const url = new URL(await api.app.listen({ host: "127.0.0.1", port: 0 }));
      const clientOf = async (role: "operator" | "viewer") =>
        new ApiClient({
          ...{ url, token: (await api.operators.add(role, role)).token },
          agent: agentFor(url, { pins: [tls.pin] }),
        });
      const { signal } = new AbortController();
      const quiet = { signal, progress() {}, log() {}, async confirm() {} };
      const [operator, viewer] = [await clientOf("operator"), await clientOf("viewer")];
      const disk = makeDisk(folder);
      const source = {
        ...quiet,
        path: disk,
        name: "lab",
        raw: true,
        disk: null,
        without: [],
        diskSize: null,
      };
      await assert.rejects(importImage({ ...source, client: viewer }), { code: "refused" });
      await importImage({ ...source, client: operator });
      const target = { ...quiet, image: "lab", path: join(folder, "back") };
      await assert.rejects(exportImage({ ...target, client: viewer }), { code: "refused" });
      await exportImage({ ...target, client: operator });
      assert.ok(readFileSync(target.path).equals(readFileSync(disk)));
    } finally {
      await api.close();
    }
  }));

test("Ctrl-C and kill -9 leave nothing of an import or an export, and an old file as it was", () =>
  inFolder(async (folder) => {
    const disk = makeDisk(folder, 256 * mib);
    const noise = [`of=${disk}`, "if=/dev/urandom", "bs=1M", "seek=26", "count=150"];
    tool("dd", [...noise, "conv=notrunc", "status=none"]);
    // A file system may count blocks a while after they were written; a chunk of noise is a whole MiB.
    const before = (await at.images.usage()).storedBytes + mib / 2;
    const main = join(import.meta.dirname, "../../../bin/roomcast.js");
    const interrupt = async (signal: NodeJS.Signals, ...words: string[]): Promise<unknown[]> => {
      const child = spawn(
        process.execPath,
        [main, "--data", at.folder, "--json", "--yes", ...words],
        {
          stdio: ["ignore", "pipe", "pipe"],
        },
      );
      let said = "";
      child.stderr.on("data", (text) => (said += text));
      // Some of it is done when the first progress is told.
      const closed = once(child, "close");
      for (let seen = 0; seen < 2; seen++) await Promise.race([once(child.stdout, "data"), closed]);
      child.kill(signal);
      const [status, by] = await closed;
      return [status, by, said];
    };
    const stopped = await interrupt("SIGINT", "image", "import", disk, "stopped");
    assert.deepEqual(stopped.slice(0, 2), [1, null]);
    assert.match(
      String(stopped[2]),
      /^roomcast: it was stopped; start it again: nothing of it was kept/,
    );
    await interrupt("SIGKILL", "image", "import", disk, "killed");
    for (let tries = 0; (await at.images.usage()).storedBytes > before && tries < 100; tries++) {
      await sleep(100);
    }
    assert.ok((await at.images.usage()).storedBytes <= before);
    assert.deepEqual([at.images.find("stopped"), at.images.find("killed")], [undefined, undefined]);

    await at.import(disk, "large");
    for (const name of ["out.raw", "out.zst", "out.qcow2"]) {
      writeFileSync(join(folder, name), "old");
      const [status, , said] = await interrupt(
        "SIGINT",
        "image",
        "export",
        "large",
        join(folder, name),
      );
      assert.deepEqual(
        [status, said],
        [1, "roomcast: it was stopped; start it again: nothing of it was kept\n"],
      );
      assert.equal(readFileSync(join(folder, name), "utf8"), "old");
    }
    await noneLeft(folder);
  }));

/** Neither mounts nor files that are half written. */
async function noneLeft(folder: string): Promise<void> {
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".part")),
    [],
  );
  assert.ok(!readFileSync("/proc/self/mounts", "utf8").includes(`${tmpdir()}/roomcast-fuse-`));
}
