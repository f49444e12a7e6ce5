import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  contentOf,
  findEntry,
  findFile,
  inodeHash,
  type Ufs,
} from "../../../core/image/ufs-files.ts";
import { rewriteFile } from "../../../core/image/ufs-rewrite.ts";
import { ufsSuperblock } from "../../../core/image/ufs-superblock.ts";
import {
  differences,
  grubText,
  hashOf,
  makeUfs,
  rewrittenFields,
  wrongHashes,
} from "../../imaging/personalise/freebsd/ufs-image.ts";
import { drawn } from "../../property.ts";
import { sourceOf } from "./bytes.ts";

async function ufsOf(bytes: Uint8Array): Promise<Ufs> {
  const source = sourceOf(bytes);
  const superblock = await ufsSuperblock(source);
  assert(superblock.ok);
  return { source, superblock: superblock.value };
}

async function textOf(bytes: Uint8Array, path: string): Promise<string | null> {
  const ufs = await ufsOf(bytes);
  const found = await findFile(ufs, path);
  assert(found.ok, found.ok ? "" : found.reason);
  if (found.value === null) return null;
  return Buffer.from(await contentOf(ufs, found.value)).toString("latin1");
}

const reasonOf = async (bytes: Uint8Array, path: string): Promise<string> => {
  const found = await findFile(await ufsOf(bytes), path);
  assert(!found.ok);
  return found.reason;
};

/** Writes into the bytes; the reason when it does not fit. */
async function rewrite(bytes: Buffer, path: string, text: string): Promise<string | null> {
  const { source, superblock } = await ufsOf(bytes);
  const found = await findFile({ source, superblock }, path);
  assert(found.ok && found.value !== null);
  const content = Buffer.from(text, "latin1");
  const writes = rewriteFile(found.value, content, { superblock, unixSeconds: 1_800_000_000 });
  if (!writes.ok) return writes.reason;
  for (const { offset, data } of writes.value) bytes.set(data, offset);
  return null;
}

test("files are found by path, through links, in large directories, and read whole", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [`/many/${"n".repeat(100)}${index}`, `${index}`]),
  );
  using image = makeUfs({
    files: {
      "/etc/rc.conf": "hostname\n",
      "/etc/empty": "",
      "/etc/full": "x".repeat(4096),
      "/var/blocks": "b".repeat(100_000),
      "/etc/short": "-> rc.conf",
      "/usr/up": "-> ../etc/./short",
      "/usr/absolute": `-> /${"./".repeat(80)}etc/rc.conf`,
      "/usr/folder": "-> /etc",
      "/usr/ring": "-> ring",
      "/usr/nowhere": "-> /no/where",
      "/var/indirect": "i".repeat(12 * 32768 + 1),
      ...many,
    },
  });
  const { bytes } = image;
  for (const path of [
    "/etc/rc.conf",
    "/etc/short",
    "/usr/up",
    "/usr/absolute",
    "/usr/folder/rc.conf",
  ])
    assert.equal(await textOf(bytes, path), "hostname\n", path);
  assert.equal(await textOf(bytes, "/etc/empty"), "");
  assert.equal(await textOf(bytes, "/etc/full"), "x".repeat(4096));
  assert.equal(await textOf(bytes, "/var/blocks"), "b".repeat(100_000));
  for (const [path, text] of Object.entries(many)) assert.equal(await textOf(bytes, path), text);
  for (const path of ["/etc/none", "/none/rc.conf", "/etc/rc.conf/x", "/usr/nowhere"])
    assert.equal(await textOf(bytes, path), null, path);
  assert.match(await reasonOf(bytes, "/usr/ring"), /too many symbolic links/);
  assert.match(await reasonOf(bytes, "/var/indirect"), /indirect blocks/);
  assert.match(await reasonOf(bytes, "/etc"), /no regular file/);
});

test("only the file's inode and its fragments change, whatever sizes it had and gets", async () => {
  const sizes = fc.oneof(
    fc.integer({ min: 1, max: 3 * 16384 }),
    fc.constantFrom(1, 2047, 2048, 2049, 16384, 16385, 2048 * 5),
  );
  await fc.assert(
    fc.asyncProperty(sizes, sizes, fc.boolean(), async (from, to, hasHashes) => {
      const files = { "/etc/rc.conf": "a".repeat(from), "/etc/other": "o".repeat(3000) };
      using image = makeUfs({ files, blockBytes: 16384, fragBytes: 2048, hasHashes });
      const { bytes } = image;
      const before = Buffer.from(bytes);
      const held = Math.ceil(from / 2048) * 2048;
      const refusal = await rewrite(bytes, "/etc/rc.conf", "z".repeat(to));
      if (to > held) {
        assert.equal(refusal, `${to} bytes, and its blocks hold ${held}`);
        assert.deepEqual(differences(before, bytes), []);
        return;
      }
      assert.equal(refusal, null);
      const wanted = "z".repeat(to).padEnd(held - 2047, "\n");
      writeFileSync(image.path, bytes);
      assert.equal(grubText(image.path, "/etc/rc.conf"), wanted);
      assert.equal(grubText(image.path, "/etc/other"), files["/etc/other"]);
      assert.equal(await textOf(bytes, "/etc/rc.conf"), wanted);
      if (hasHashes) assert.deepEqual(wrongHashes(bytes), []);
      const { source, superblock } = await ufsOf(bytes);
      const found = await findFile({ source, superblock }, "/etc/rc.conf");
      assert(found.ok && found.value !== null);
      const { inodeAt, extents } = found.value;
      const own = [...rewrittenFields(inodeAt), ...extents];
      for (const place of differences(before, bytes)) {
        assert(own.some(({ start, length }) => place >= start && place < start + length));
      }
      // Behind its end there are zeros.
      const last = extents.at(-1);
      assert(last !== undefined);
      const tail = bytes.subarray(
        last.start + last.length - (held - wanted.length),
        last.start + last.length,
      );
      assert(tail.every((byte) => byte === 0));
      // As many blocks as before.
      assert.equal(bytes.readBigUInt64LE(inodeAt + 24), before.readBigUInt64LE(inodeAt + 24));
    }),
    { numRuns: drawn(15) },
  );
});

test("a file without a block takes nothing", async () => {
  using image = makeUfs({ files: { "/etc/rc.conf": "" } });
  assert.match((await rewrite(image.bytes, "/etc/rc.conf", "x")) ?? "", /its blocks hold 0/);
  assert.equal(await rewrite(image.bytes, "/etc/rc.conf", ""), null);
  assert.equal(await textOf(image.bytes, "/etc/rc.conf"), "");
});

test("an inode's check hash is the one of its definition, and a wrong one is damage", async () => {
  using image = makeUfs({ files: { "/etc/rc.conf": "x" }, hasHashes: true });
  const { bytes } = image;
  const found = await findFile(await ufsOf(bytes), "/etc/rc.conf");
  assert(found.ok && found.value !== null);
  const { inodeAt, inode } = found.value;
  assert.equal(inodeHash(inode), hashOf(bytes, inodeAt));
  bytes[inodeAt + 8] = (bytes[inodeAt + 8] as number) ^ 1;
  assert.match(await reasonOf(bytes, "/etc/rc.conf"), /inode \d+ is damaged/);
});

test("UFS1 is named", async () => {
  using image = makeUfs({ files: { "/etc/rc.conf": "x" }, version: 1 });
  assert.deepEqual(await ufsSuperblock(sourceOf(image.bytes)), {
    ok: false,
    reason: "it is a UFS1",
  });
});

test("any bytes: nothing is read beyond the end, and no file lies in the inodes or the maps", async () => {
  using image = makeUfs({
    files: { "/etc/rc.conf": "x", "/etc/link": "-> ../etc/rc.conf", "/etc/ssh/key": "k" },
  });
  const whole = image.bytes;
  const inodesAt = 24 * 4096;
  const dataAt = 32 * 4096;
  const change = fc.tuple(
    fc.oneof(
      fc.nat(200).map((at) => 8192 + at),
      fc.nat(1375).map((at) => 8192 + at),
      fc.nat(12 * 256).map((at) => inodesAt + at),
      fc.nat(20).chain((index) => fc.nat(7).map((at) => inodesAt + index * 256 + 112 + at)),
      fc.nat(30 * 4096).map((at) => dataAt + at),
      fc.nat(8).chain((frag) => fc.nat(60).map((at) => dataAt + frag * 4096 + at)),
    ),
    fc.nat(255),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(900), async (changes, cut) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      const source = sourceOf(bytes.subarray(0, bytes.length - (cut < 800 ? 0 : cut * 4096)));
      const superblock = await ufsSuperblock(source);
      if (!superblock.ok) return;
      const ufs = { source, superblock: superblock.value };
      for (const path of ["/etc/rc.conf", "/etc/link", "/etc/ssh/key"]) {
        const found = await findFile(ufs, path);
        if (!found.ok || found.value === null) continue;
        await contentOf(ufs, found.value);
        const { fragBytes, dataOffset, fragsPerGroup } = superblock.value;
        for (const { start } of found.value.extents) {
          const frag = start / fragBytes;
          assert(frag >= fragsPerGroup || frag >= dataOffset);
        }
      }
      await findEntry(ufs, { folder: "/etc/ssh", name: "key" });
    }),
    { numRuns: drawn(150) },
  );
});
