/** Ed25519 keys (RFC 8032), by which certificates are signed. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import type { Decoded } from "../errors.ts";
import {
  type CertificateSigner,
  type CertificateVerifier,
  checkCertificate,
  type GenuineCertificate,
} from "../trust/certificate.ts";
import { spkiOf } from "./key-forms.ts";
import { pinOf } from "./pin.ts";

export const newSigningKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;

/** Throws for text that is no private key in PEM, and for a key of another kind. */
export function readSigningKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType === "ed25519") return key;
  throw new Error("it is no Ed25519 key");
}

export const signerOf = (key: KeyObject): CertificateSigner => ({
  key: spkiOf(key).toString("base64"),
  sign: (text) => sign(null, Buffer.from(text, "utf8"), key).toString("base64"),
});

export const certificateVerifier: CertificateVerifier = {
  verify(key, text, signature) {
    const [spki, value] = [exactly(key), exactly(signature)];
    if (spki === null || value === null) return false;
    try {
      const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
      if (publicKey.asymmetricKeyType !== "ed25519") return false;
      return verify(null, Buffer.from(text, "utf8"), publicKey, value);
    } catch {
      return false;
    }
  },
  fingerprint: (key) => pinOf(Buffer.from(key, "base64")),
};

/** As `checkCertificate`, of the file's bytes: what is no UTF-8 is no text that was signed. */
export function checkBytes(
  bytes: Uint8Array,
  known: readonly string[] | null,
): Decoded<GenuineCertificate> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { ok: false, reason: "it is not JSON" };
  }
  return checkCertificate(text, known, certificateVerifier);
}

/** Base64 has bits at its end that mean nothing: of the texts that decode alike, one is right. */
function exactly(base64: string): Buffer | null {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 ? bytes : null;
}
