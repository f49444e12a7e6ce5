/** Keys in the forms in which they are kept and shown. */
import { createPublicKey, type KeyObject } from "node:crypto";

export const pemOf = (key: KeyObject): string =>
  key.export({ type: "pkcs8", format: "pem" }) as string;

/** The public key of a private one, or of PEM, as SubjectPublicKeyInfo (RFC 5280), in DER. */
export const spkiOf = (key: KeyObject | string): Buffer =>
  createPublicKey(key as KeyObject).export({ type: "spki", format: "der" });
