/**
 * The stored bytes of a cast's chunks on the wire: AES-256-CTR with the cast's key. The counter begins at
 * a keyed hash of the chunk's entry: the same bytes meet the same key stream whenever they are sent
 * again, and no others ever meet it. Whether they are right is for the chunk's own hash to say.
 */
import { createCipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { CastEntries } from "../../cast/ends.ts";
import { encodeEntry } from "../../image/index-codec.ts";
import { type IndexEntry, indexEntryBytes } from "../../image/types.ts";
import type { CastKeys } from "../../wire/cast-address.ts";

/** Where an index entry tells of the chunk's bytes, and no longer of its place on the disk. */
const contentOffset = 4;
const ivBytes = 16;
/** `update` answers in new memory: a piece at a time, it is used again while it is in the processor's cache. */
const pieceBytes = 32 * 1024;

interface Aes {
  apply(key: KeyObject, iv: Uint8Array, bytes: Uint8Array, into: Uint8Array): void;
  close(): void;
}

const nodeAes: Aes = {
  apply(key, iv, bytes, into) {
    const cipher = createCipheriv("aes-256-ctr", key, iv);
    for (let at = 0; at < bytes.length; at += pieceBytes)
      into.set(cipher.update(bytes.subarray(at, at + pieceBytes)), at);
  },
  close() {},
};

/** `mayUseCalls`: as in `CastSocketOptions`. */
export async function openChunkCipher(
  index: CastEntries,
  mayUseCalls = true,
): Promise<ChunkCipher> {
  const calls = mayUseCalls ? await import("../aes-calls.ts").catch(() => null) : null;
  return new ChunkCipher(index, calls === null ? nodeAes : new calls.AesCalls());
}

export class ChunkCipher {
  private readonly index: Uint8Array;
  private readonly aes: Aes;

  constructor(index: CastEntries, aes: Aes) {
    this.index =
      index instanceof Uint8Array ? index : new Uint8Array(index.entryCount * indexEntryBytes);
    this.aes = aes;
  }

  /** An entry of a live cast is known. */
  announce(entryIndex: number, entry: IndexEntry): void {
    this.index.set(encodeEntry(entry), entryIndex * indexEntryBytes);
  }

  /** Encrypts or decrypts the stored bytes of an entry; `into` may be where they are. */
  apply(key: KeyObject, entryIndex: number, bytes: Uint8Array, into: Uint8Array): void {
    const start = entryIndex * indexEntryBytes;
    const content = this.index.subarray(start + contentOffset, start + indexEntryBytes);
    const iv = createHmac("sha256", key).update(content).digest().subarray(0, ivBytes);
    this.aes.apply(key, iv, bytes, into);
  }

  close(): void {
    this.aes.close();
  }
}

/** Keys as they are used. The chunks' is made ready once: from bytes, it would be for each chunk. */
export const readKeys = ({ chunk, packet }: CastKeys) => ({
  chunk: createSecretKey(chunk, "base64"),
  packet: new Uint8Array(Buffer.from(packet, "base64")),
});
