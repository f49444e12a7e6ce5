/** The key that signs certificates: made at the first start, kept in the data folder beside the gate's. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { newSigningKey, readSigningKey, signerOf } from "../../core/node/ed25519.ts";
import { pemOf, spkiOf } from "../../core/node/key-forms.ts";
import { pinOf } from "../../core/node/pin.ts";
import { writeDurably } from "../../core/node/write-durably.ts";
import { signCertificate } from "../../core/trust/certificate.ts";
import type { TrustView } from "../../core/wire/api.ts";
import type { Certificate } from "../../core/wire/certificate.ts";

const keyFile = "certificate.key";
/** Public keys, one PEM after the other, oldest first: what they have signed stays checkable. */
const earlierFile = "certificate-earlier.key";
const publicPem = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----\n/g;

export class SigningKeys {
  private readonly folder: string;
  private key: KeyObject;
  private since: Date;
  private earlier: readonly string[];

  private constructor(
    folder: string,
    key: KeyObject,
    { since, earlier }: { readonly since: Date; readonly earlier: readonly string[] },
  ) {
    this.folder = folder;
    this.key = key;
    this.since = since;
    this.earlier = earlier;
  }

  /** Reads the keys from the data folder, or makes the first. Rejects with `bad-input` for a broken file. */
  static async open(folder: string): Promise<SigningKeys> {
    const path = join(folder, keyFile);
    const earlier = (await kept(join(folder, earlierFile), (text) => text.match(publicPem))) ?? [];
    for (const pem of earlier) readable(join(folder, earlierFile), () => spkiOf(pem));
    const key = await kept(path, readSigningKey);
    if (key !== null)
      return new SigningKeys(folder, key, { since: (await stat(path)).mtime, earlier });
    const made = newSigningKey();
    await writeDurably(path, pemOf(made));
    return new SigningKeys(folder, made, { since: new Date(), earlier });
  }

  get view(): Omit<TrustView["signing"], "campus"> {
    const key = pinOf(spkiOf(this.key));
    const earlier = this.earlier.map((pem) => pinOf(spkiOf(pem)));
    // Of a renewal that was cut off between its two files, the present key is in both.
    return {
      key,
      since: this.since.toISOString(),
      earlier: earlier.filter((each) => each !== key),
    };
  }

  /** The text of the certificate's file. */
  sign(document: Certificate): string {
    return signCertificate(document, signerOf(this.key));
  }

  /** Signs with a new key from now on; the present one is known as an earlier one. */
  async renew(): Promise<void> {
    const pem = createPublicKey(this.key).export({ type: "spki", format: "pem" }) as string;
    const earlier = [...new Set([...this.earlier, pem])];
    const made = newSigningKey();
    await writeDurably(join(this.folder, earlierFile), earlier.join(""));
    await writeDurably(join(this.folder, keyFile), pemOf(made));
    this.earlier = earlier;
    this.key = made;
    this.since = new Date();
  }
}

/** Null when there is no such file. */
async function kept<T>(path: string, read: (text: string) => T): Promise<T | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw broken(path, cause);
  }
  return readable(path, () => read(text));
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw broken(path, cause);
  }
}

const broken = (path: string, cause: unknown): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${path} is not a key for certificates: ${errorText(cause)}`,
    "put it back from a backup; without one remove it: a new key is made, and certificates of the old one are checked by its fingerprint alone",
    { cause },
  );
