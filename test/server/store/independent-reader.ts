/**
 * Reads a store with nothing but docs/image-format.md in hand: it shares no code with the product, and
 * is here to show that the document says enough.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";

const mib = 1048576;
const sha256 = (...parts: (Uint8Array | string)[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** CRC-32C, bit by bit. */
function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** RFC 6962, 2.1, as it is written there: split at the largest power of two below the length. */
function treeHash(leaves: Buffer[]): Buffer {
  if (leaves.length === 0) return sha256("");
  if (leaves.length === 1) return sha256("\0", leaves[0] as Buffer);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256("\x01", treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

/** RFC 8785, of a flat enough manifest: JSON.stringify has the numbers and strings right. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, held: unknown) =>
    held === null || typeof held !== "object" || Array.isArray(held)
      ? held
      : Object.fromEntries(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1))),
  );

/** All images by NAME@VERSION, or NAME@VERSION-fit-SIZE: the disk, with zeros where nothing is kept. Throws where anything does not fit. */
export function readStore(folder: string): Map<string, Buffer> {
  const chunks = new Map<string, { readonly form: Buffer; readonly stored: Buffer }>();
  for (const name of readdirSync(join(folder, "packs")).sort()) {
    const pack = readFileSync(join(folder, "packs", name));
    for (let at = 0; at < pack.length; ) {
      const entry = pack.subarray(at + 8, at + 56);
      const length = entry.readUInt32LE(8);
      if (pack.toString("latin1", at, at + 4) === "RCCK") {
        if (pack.readUInt32LE(at + 4) !== crc32c(entry))
          throw new Error(`${name}: header at ${at}`);
        const stored = pack.subarray(at + 56, at + 56 + length);
        chunks.set(entry.toString("hex", 16), { form: entry, stored });
      }
      at += 56 + length;
    }
  }
  const disks = new Map<string, Buffer>();
  for (const file of readdirSync(join(folder, "images")).filter((name) => name.endsWith(".json"))) {
    const text = readFileSync(join(folder, "images", file), "utf8");
    const { selfHash, ...manifest } = JSON.parse(text);
    if (manifest.formatVersion > 3) throw new Error(`${file}: a later format`);
    if (manifest.formatVersion >= 2 && sha256(canonical(manifest)).toString("hex") !== selfHash) {
      throw new Error(`${file}: selfHash`);
    }
    const index = readFileSync(join(folder, "images", `${manifest.id}.index`));
    const entries = Array.from({ length: index.length / 48 }, (_, n) =>
      index.subarray(n * 48, n * 48 + 48),
    );
    if (treeHash(entries).toString("hex") !== manifest.rootHash) throw new Error("root hash");
    const disk = Buffer.alloc(manifest.diskBytes);
    for (const entry of entries) {
      const offset = entry.readUInt32LE(0) * mib;
      const length = Math.min(mib, manifest.diskBytes - offset);
      const nothing = { form: entry, stored: Buffer.alloc(0) };
      const { form, stored } = chunks.get(entry.toString("hex", 16)) ?? nothing;
      if (form[4] !== 2 && form.readUInt32LE(12) !== crc32c(stored)) throw new Error("CRC");
      const raw = [() => stored, () => zstdDecompressSync(stored), () => Buffer.alloc(length)][
        form[4] as number
      ]?.();
      if (raw?.length !== length || !sha256(raw).equals(entry.subarray(16)))
        throw new Error("hash");
      raw.copy(disk, offset);
    }
    const fitted = manifest.formatVersion === 3 ? `-fit-${manifest.fitSize}` : "";
    disks.set(`${manifest.name}@${manifest.version}${fitted}`, disk);
  }
  return disks;
}
