import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { Config } from "../host/config.ts";

/** The site's own certificate, with its chain, and its key, in PEM. */
export interface SiteCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Reads the files of `[tls]`; null without them. Rejects with `bad-input` for files that do not fit each other. */
export async function readSiteCertificate(tls: Config["tls"]): Promise<SiteCertificate | null> {
  const { certificate, key: keyFile } = tls ?? {};
  if (certificate === undefined && keyFile === undefined) return null;
  try {
    if (certificate === undefined || keyFile === undefined)
      throw new Error("certificate and key belong together, and one of them is missing");
    const [cert, key] = await Promise.all([
      readFile(certificate, "utf8"),
      readFile(keyFile, "utf8"),
    ]);
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error(`${keyFile} is not the key of ${certificate}`);
    return { cert, key };
  } catch (cause) {
    const next = "correct it, or remove it: then the gate's own key serves operators too";
    throw new RoomcastError("bad-input", `[tls]: ${errorText(cause)}`, next, { cause });
  }
}
