import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fastify from "fastify";
import { decodeIndex } from "../../../core/image/index-codec.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { chunkBytes } from "../../../core/units/units.ts";
import { captureDisk } from "../../../imaging/capture/capture.ts";
import { httpUplink } from "../../../imaging/capture/uplink.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { imageRoutes } from "../../../server/gate/image-routes.ts";
import { openChunkSource } from "../../../server/store/cast-source.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { captureRoutes } from "../../../server/store/upload-routes.ts";
import { plainHttp } from "../../tls.ts";
import { rawChunk } from "./captured.ts";

const mib = 1 << 20;

test("a GPT disk file with ext4 is captured over HTTP, and what is in use comes back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "capture-test-"));
  try {
    const path = join(folder, "disk");
    const files = join(folder, "files");
    mkdirSync(files);
    const secret = randomBytes(5 * mib);
    writeFileSync(join(files, "secret"), secret);
    writeFileSync(join(files, "text"), "roomcast ".repeat(100_000));
    // What lies in free blocks has to be gone from the image.
    writeFileSync(path, Buffer.alloc(96 * mib, 0xa5));
    truncateSync(path, 96 * mib);
    execFileSync("sfdisk", ["-q", path], { input: "label: gpt\nstart=2048,size=64M,type=linux\n" });
    const at = `offset=${mib}`;
    execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-E", at, "-d", files, path, "64m"]);

    const store = await openImageStore(join(folder, "store"));
    const writer = store.beginImage("lab");
    const committed: Manifest[] = [];
    const app = fastify();
    await captureRoutes(app, {
      prefix: "/gate/v2/captures",
      uploadOf: (task) => (task === "s1" ? { writer, chunkCount: null } : undefined),
      onCommitted: (_task, manifest) => committed.push(manifest),
    });
    await imageRoutes(app, { store, list: () => [] });
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    const { signal } = new AbortController();
    await using disk = await openDisk(path, { write: false });
    const said: number[] = [];
    const result = await captureDisk({
      disk,
      source: "test",
      raw: false,
      uplink: httpUplink({ server: plainHttp(url), task: "s1", grant: () => "", signal }),
      signal,
      progress: (done, total) => said.push(done / total),
      log: () => {},
    });
    assert.equal(result.name, "lab");
    assert.equal(said.at(-1), 1);
    const image = committed[0] as Manifest;
    assert.equal(image.id, result.imageId);
    assert.equal(image.partitionTable, "gpt");
    assert.deepEqual(
      image.partitions.map(({ fs, mode }) => [fs, mode]),
      [["ext4", "used"]],
    );

    // Put together again on a disk full of something else.
    const copy = Buffer.alloc(96 * mib, 0x5a);
    const index = await store.index(image.id);
    const decoded = decodeIndex(index, image.diskBytes);
    assert.ok(decoded.ok);
    assert.ok(decoded.value.length < 70, `${decoded.value.length} chunks kept`);
    const source = await openChunkSource({ directory: join(folder, "store"), image, index });
    for (const [entryIndex, entry] of decoded.value.entries()) {
      const stored = await source.read(entryIndex);
      const web = await fetch(new URL(`/gate/v2/images/${image.id}/chunks/${entryIndex}`, url));
      assert.deepEqual(new Uint8Array(await web.arrayBuffer()), new Uint8Array(stored));
      copy.set(rawChunk(entry, stored, chunkBytes), entry.chunkIndex * chunkBytes);
    }
    await source.close();
    const out = join(folder, "copy");
    writeFileSync(out, copy);
    const first = Buffer.alloc(mib);
    const fd = openSync(path, "r");
    readSync(fd, first, 0, mib, 0);
    closeSync(fd);
    assert.ok(copy.subarray(0, mib).equals(first), "the first MiB is the disk's");
    execFileSync("sfdisk", ["--verify", "-q", out]);
    const fs = join(folder, "fs");
    writeFileSync(fs, copy.subarray(mib, 65 * mib));
    execFileSync("e2fsck", ["-fn", fs], { stdio: "pipe" });
    const back = execFileSync("debugfs", ["-R", "cat /secret", fs], {
      maxBuffer: 16 * mib,
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.ok(back.equals(secret), "the file comes back");
    const report = await store.verify(image.id, { signal, onProgress() {} });
    assert.deepEqual(report, { ok: true, damaged: [] });
    await app.close();
    await store[Symbol.asyncDispose]();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
