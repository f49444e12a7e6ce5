/**
 * Seals what lies in shared storage: AES-256-GCM with keys made of one that all servers of the campus have
 * (docs/image-format.md, "Sealed").
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import { putU64 } from "../../core/image/little-endian.ts";
import { readSecretFile } from "./secret-file.ts";

// offset  size  field
//      0     4  magic
//      4     8  key number: says which key it is, and nothing of it
//     12    16  salt
//     28     n  the sealed bytes
// 28 + n    16  tag

const magic = Buffer.from("RCSL", "latin1");
const keyNumberBytes = 8;
const saltAt = magic.length + keyNumberBytes;
/** A random one is not met again in 2^32 packs, but with a chance of 2^-65. */
export const saltBytes = 16;
const headBytes = saltAt + saltBytes;
/** Of AES-GCM, NIST SP 800-38D: 96 bits of nonce, 128 of tag. */
const nonceBytes = 12;
const tagBytes = 16;
const cipher = "aes-256-gcm";
const keyBytes = 32;

/** By how much sealing makes bytes longer. */
export const sealBytes = headBytes + tagBytes;

/** What is sealed, and where it belongs: it opens nowhere else. */
export type SealPlace =
  | { readonly kind: "record" | "footer" /** In its pack, in bytes. */; readonly offset: number }
  | { readonly kind: "object"; readonly name: string };

/** Whether these bytes were sealed, with whatever key. */
export const isSealed = (bytes: Uint8Array): boolean =>
  magic.equals(bytes.subarray(0, magic.length));

/** The campus's key. */
export class Seal {
  private readonly key: Uint8Array;
  private readonly keyNumber: Uint8Array;

  /** `key`: 32 random bytes. */
  constructor(key: Uint8Array) {
    this.key = key;
    this.keyNumber = this.derived("key number", noSalt, keyNumberBytes);
  }

  /** Reads the file that `[store] seal` names; throws as `readSecretFile`, and `bad-input` for what is no key. */
  static async read(path: string): Promise<Seal> {
    const text = await readSecretFile(path, "[store] seal");
    const isHex = /^[0-9a-fA-F]{64}$/.test(text);
    if (!isHex && !/^[A-Za-z0-9+/]{43}=?$/.test(text)) {
      throw new RoomcastError(
        "bad-input",
        `${path} holds no key of ${keyBytes} bytes in hexadecimal or base64`,
        `make one on one server, and copy it to the others: (umask 077; openssl rand -hex ${keyBytes} > ${path})`,
      );
    }
    return new Seal(Buffer.from(text, isHex ? "hex" : "base64"));
  }

  /** `salt`: of a pack, random, and never used for another one. */
  seal(place: SealPlace, salt: Uint8Array, plain: Uint8Array): Uint8Array {
    const head = Buffer.concat([magic, this.keyNumber, salt]);
    const sealing = createCipheriv(cipher, this.keyOf(place, salt), nonceOf(place));
    sealing.setAAD(boundTo(head, place));
    return Buffer.concat([head, sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
  }

  /** As `seal`; the same object gets the same bytes each time, as its name does not say which they are. */
  sealObject(name: string, plain: Uint8Array): Uint8Array {
    const saltKey = this.derived("object salt", noSalt, keyBytes);
    const salt = createHmac("sha256", saltKey).update(`${name}\0`).update(plain).digest();
    return this.seal({ kind: "object", name }, salt.subarray(0, saltBytes), plain);
  }

  /** Throws `bad-input`; `what` names the thing in the error. */
  open(place: SealPlace, sealed: Uint8Array, what: string): Uint8Array {
    if (!isSealed(sealed)) throw notSealed(what);
    if (sealed.length < sealBytes) throw notOpened(what);
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
    const head = bytes.subarray(0, headBytes);
    if (!head.subarray(magic.length, saltAt).equals(this.keyNumber)) throw otherKey(what);
    const opening = createDecipheriv(
      cipher,
      this.keyOf(place, head.subarray(saltAt)),
      nonceOf(place),
      { authTagLength: tagBytes },
    );
    opening.setAAD(boundTo(head, place));
    opening.setAuthTag(bytes.subarray(bytes.length - tagBytes));
    const plain = opening.update(bytes.subarray(headBytes, bytes.length - tagBytes));
    try {
      opening.final();
    } catch {
      throw notOpened(what);
    }
    return plain;
  }

  private keyOf({ kind }: SealPlace, salt: Uint8Array): Uint8Array {
    return this.derived(kind, salt, keyBytes);
  }

  /** HKDF (RFC 5869) with SHA-256: what is derived for one purpose says nothing of another. */
  private derived(purpose: string, salt: Uint8Array, length: number): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.key, salt, `roomcast seal 1 ${purpose}`, length));
  }
}

/** Bytes that are sealed, where no key is given. */
export const noKey = (what: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${what} is sealed, and this server has no key`,
    "copy the key's file from another server of the campus, and name it with [store] seal",
  );

const noSalt = new Uint8Array(0);

/** No two seals under one key have the same: records and footers each have their own place in the pack of the salt. */
function nonceOf(place: SealPlace): Uint8Array {
  const nonce = new Uint8Array(nonceBytes);
  if (place.kind !== "object") putU64(nonce, 0, place.offset);
  return nonce;
}

const boundTo = (head: Uint8Array, place: SealPlace): Uint8Array =>
  place.kind === "object" ? Buffer.concat([head, Buffer.from(place.name)]) : head;

const notSealed = (what: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${what} is not sealed, and this server reads only what is`,
    "a campus is sealed from its beginning: take [store] seal out, or begin with an empty bucket",
  );

const otherKey = (what: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${what} was sealed with another key than this server's, or its first bytes are damaged`,
    "all servers of a campus have the same key: compare the files that [store] seal names",
  );

const notOpened = (what: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${what} does not open: it is damaged, or somebody has changed or moved it`,
    "put it back from a backup of the storage, or store the images that need it again",
  );
