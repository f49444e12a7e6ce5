import assert from "node:assert/strict";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crc32c } from "../../../core/image/crc32c.ts";
import { codec } from "../../../core/image/types.ts";
import { nodeFiles } from "../../../server/store/files.ts";
import { handlesKept, PackHandles, packName } from "../../../server/store/pack-handles.ts";
import { type ChunkPlace, Packs } from "../../../server/store/packs.ts";
import { sha256 } from "./write-image.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-packs-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const openFiles = async (folder: string): Promise<number> => {
  const links = await readdir("/proc/self/fd");
  const paths = await Promise.all(
    links.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return paths.filter((path) => path.startsWith(folder)).length;
};

test("however many packs are read, only so many stay open, and those in use always do", () =>
  inFolder(async (folder) => {
    const handles = new PackHandles(folder, nodeFiles);
    const count = handlesKept + 20;
    using first = await handles.take(0, "new");
    for (let pack = 1; pack < count; pack++) {
      using open = await handles.take(pack, "new");
      await open.file.write(Buffer.from([pack]), 0);
    }
    assert.equal(handles.count, handlesKept);
    await first.file.write(Buffer.from([99]), 0);
    for (const pack of [1, 0, 7]) {
      using open = await handles.take(pack, "read");
      const found = Buffer.alloc(1);
      assert.equal(await open.file.read(found, 0), 1);
      assert.equal(found[0], pack === 0 ? 99 : pack);
    }
    assert((await openFiles(folder)) <= handlesKept + 1);
    await handles.close();
    assert.equal(await openFiles(folder), 0);
  }));

test("a pack whose handle was closed meanwhile is appended to all the same", () =>
  inFolder(async (folder) => {
    const packs = await Packs.open(folder, nodeFiles);
    const data = Buffer.from("a chunk");
    const entry = {
      ...{ chunkIndex: 0, codec: codec.raw, storedLength: data.length },
      ...{ crc32c: crc32c(data), sha256: sha256(data) },
    };
    const before = await packs.append(entry, data);
    const others = new PackHandles(folder, nodeFiles);
    for (let pack = 2; pack < handlesKept + 10; pack++) {
      using _ = await others.take(pack, "new");
    }
    await others.close();
    for (let pack = 2; pack < handlesKept + 10; pack++)
      await packs.read(placeIn(before, pack)).catch(() => {});
    const after = await packs.append(entry, data);
    await packs.sync();
    assert.deepEqual([before.pack, after.pack], [1, 1]);
    assert(after.offset > before.offset);
    assert.deepEqual(Buffer.from(await packs.read(after)), data);
    assert((await readdir(folder)).includes(packName(1)));
    await packs.close();
  }));

const placeIn = (place: ChunkPlace, pack: number): ChunkPlace => ({ ...place, pack });
