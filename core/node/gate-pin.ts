import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pinOf } from "./pin.ts";

/** Of the public key of a certificate in PEM or DER. */
export const certificatePin = (certificate: string | Uint8Array): string =>
  pinOf(new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" }));

/** The pin of the gate's key of a data folder; null before the server's first start. */
export async function gatePin(dataFolder: string): Promise<string | null> {
  const text = await readFile(join(dataFolder, "gate.crt"), "utf8").catch(() => null);
  return text === null ? null : certificatePin(text);
}
