import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import {
  decodeImageObject,
  encodeImageObject,
  tailBytes,
} from "../../../server/campus/pack-object.ts";
import type { CampusPlace } from "../../../server/campus/ports.ts";
import { Seal, type SealPlace, sealBytes } from "../../../server/campus/seal.ts";
import { chunkOf, keyOf, packOf, saltOf, seal } from "./pack-chunks.ts";

const { subtle } = globalThis.crypto;
const plain = new Uint8Array(Buffer.from("what lies on a disk of a room"));
const isBadInput = (error: unknown): boolean =>
  error instanceof RoomcastError && error.code === "bad-input";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "seal-"));
});
after(() => rm(folder, { recursive: true }));

/** The document's words, with another program's cryptography. */
async function openByDocument(
  sealed: Uint8Array,
  purpose: string,
  offset: number,
  name: string,
): Promise<Uint8Array> {
  const bytes = Buffer.from(sealed);
  assert.equal(bytes.toString("latin1", 0, 4), "RCSL");
  const master = await subtle.importKey("raw", keyOf(7), "HKDF", false, ["deriveKey"]);
  const salt = new Uint8Array(bytes.subarray(12, 28));
  const data = {
    name: "HKDF",
    hash: "SHA-256",
    salt,
    info: Buffer.from(`roomcast seal 1 ${purpose}`),
  };
  const key = await subtle.deriveKey(data, master, { name: "AES-GCM", length: 256 }, false, [
    "decrypt",
  ]);
  const iv = Buffer.alloc(12);
  iv.writeBigUInt64LE(BigInt(offset), 0);
  const additionalData = Buffer.concat([bytes.subarray(0, 28), Buffer.from(name)]);
  const text = new Uint8Array(bytes.subarray(28));
  return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, text));
}

test("what is sealed opens by the document alone", async () => {
  const chunk = chunkOf(9, 50);
  const { pack, content } = packOf([chunk, chunkOf(8, 60)], seal);
  const second = pack.places[1] as CampusPlace;
  const record = await openByDocument(
    content.subarray(second.offset, second.offset + second.length),
    "record",
    second.offset,
    "",
  );
  assert.deepEqual(record.subarray(56), chunkOf(8, 60).stored);
  const object = encodeImageObject("images/0/index", plain, seal);
  assert.deepEqual(await openByDocument(object, "object", 0, "images/0/index"), plain);
});

test("the document's sealed object is ours", () => {
  const document = readFileSync(join(import.meta.dirname, "../../../docs/image-format.md"), "utf8");
  const sealed = seal.sealObject("images/11bb25142154bc76/index", Buffer.from("roomcast"));
  const hex = Buffer.from(sealed).toString("hex");
  const [words = ""] = / {4}5243534c [^`]*/.exec(document) ?? [];
  assert.equal(words.replace(/\s/g, ""), hex);
  assert(document.includes(`last ${tailBytes} bytes`));
});

test("nothing of a chunk, its hash among it, is to be seen", () => {
  const chunk = chunkOf(9, 400);
  const bytes = Buffer.from(packOf([chunk], seal).content);
  assert.equal(bytes.indexOf(chunk.entry.sha256), -1);
  assert.equal(bytes.indexOf(chunk.stored.subarray(0, 16)), -1);
});

test("it opens only where it was sealed, as what it was sealed", () => {
  const place: SealPlace = { kind: "record", offset: 4096 };
  const sealed = seal.seal(place, saltOf(1), plain);
  assert.equal(sealed.length, plain.length + sealBytes);
  assert.deepEqual(new Uint8Array(seal.open(place, sealed, "it")), plain);
  const elsewhere: SealPlace[] = [
    { kind: "record", offset: 0 },
    { kind: "footer", offset: 4096 },
    { kind: "object", name: "" },
  ];
  for (const other of elsewhere) assert.throws(() => seal.open(other, sealed, "it"), isBadInput);
  const object = encodeImageObject("images/0/index", plain, seal);
  assert.throws(() => decodeImageObject("images/1/index", object, seal), isBadInput);
});

test("packs of the same chunks differ under their salts, and an image's object is always the same", () => {
  const chunks = [chunkOf(1, 100)];
  assert.notEqual(
    packOf(chunks, seal, saltOf(1)).pack.name,
    packOf(chunks, seal, saltOf(2)).pack.name,
  );
  const sealed = encodeImageObject("images/0/index", plain, seal);
  assert.deepEqual(encodeImageObject("images/0/index", plain, seal), sealed);
  const other = encodeImageObject("images/0/manifest", plain, seal);
  assert.notDeepEqual(other.subarray(12, 28), sealed.subarray(12, 28));
  assert.deepEqual(new Uint8Array(decodeImageObject("images/0/index", sealed, seal)), plain);
  assert.equal(decodeImageObject("images/0/index", plain, null), plain);
});

test("a key is read in hexadecimal or base64, from a file that is its owner's alone", async () => {
  const path = join(folder, "seal.key");
  const write = async (text: string, mode: number): Promise<void> => {
    await writeFile(path, text);
    await chmod(path, mode);
  };
  const sealed = seal.seal({ kind: "object", name: "x" }, saltOf(1), plain);
  for (const encoding of ["hex", "base64"] as const) {
    await write(`${Buffer.from(keyOf(7)).toString(encoding)}\n`, 0o600);
    const read = await Seal.read(path);
    assert.deepEqual(new Uint8Array(read.open({ kind: "object", name: "x" }, sealed, "x")), plain);
  }
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(path, mode);
    await assert.rejects(Seal.read(path), { code: "refused", next: /chmod go-rwx/ });
  }
  for (const text of ["", "00", "g".repeat(64), "0".repeat(65), "=".repeat(44), "0".repeat(9999)]) {
    await write(text, 0o600);
    await assert.rejects(Seal.read(path), { code: "bad-input" });
  }
  await write("password", 0o600);
  await assert.rejects(Seal.read(path), { next: /openssl rand -hex 32/ });
  await assert.rejects(Seal.read(join(folder, "none")), { code: "bad-input", message: /none/ });
});
