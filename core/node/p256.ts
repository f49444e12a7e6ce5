/** Keys of the curve P-256: the gate's, and those of PCs without a TPM. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";

export const newKey = (): KeyObject =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;

/** Throws for text that is no private key in PEM, and for a key of another kind. */
export function readKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  throw new Error("it is no key of the curve P-256");
}
