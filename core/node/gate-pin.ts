import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Of a certificate in PEM or DER: `sha256:` and the SHA-256 of its public key (SPKI), in base64. */
export const pinOf = (certificate: string | Uint8Array): string => {
  const { publicKey } = new X509Certificate(certificate);
  const spki = publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("base64")}`;
};

/** The pin of the gate's key of a data folder; null before the server's first start. */
export async function gatePin(dataFolder: string): Promise<string | null> {
  const text = await readFile(join(dataFolder, "gate.crt"), "utf8").catch(() => null);
  return text === null ? null : pinOf(text);
}
