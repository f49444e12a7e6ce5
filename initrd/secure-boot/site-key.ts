/** The key that the site signs its boot image with. The server never reads it. */
import { mkdir, rename, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { lastLine, run } from "../build/packages.ts";

export interface SiteKey {
  /** PEM, readable by its owner alone. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
}

/** RSA with 2048 bits: what every firmware can check (UEFI 2.10 section 32.2.4); no date ends it, since none checks dates. */
const keyWords = ["-newkey", "rsa:2048", "-sha256", "-days", "36500"];
/** X.520: the longest common name. */
const nameLimit = 64;

/**
 * The site's key in a folder, made when there is none. Throws `refused` for a folder that others may read, or
 * that is another user's.
 */
export async function siteKey(folder: string, log: (line: string) => void): Promise<SiteKey> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await stat(folder);
  if (found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0)
    throw new RoomcastError(
      "refused",
      `${folder} is not closed: whoever reads the key in it can sign what PCs start`,
      `make the key anew if others could read it, and close the folder: chown root ${folder}; chmod 700 ${folder}`,
    );
  const made = { key: join(folder, "site.key"), certificate: join(folder, "site.crt") };
  if ((await stat(made.key).catch(() => null)) !== null) return made;
  log(`making the site's key in ${folder}; keep a copy where only you can read it`);
  const name = `roomcast Secure Boot of ${hostname()}`.slice(0, nameLimit);
  const partial = `${made.key}.partial`;
  const ended = await run("openssl", [
    ...["req", "-x509", "-nodes", ...keyWords, "-subj", `/CN=${name.replaceAll("/", "-")}`],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature"],
    ...["-addext", "extendedKeyUsage=codeSigning"],
    ...["-keyout", partial, "-out", made.certificate],
  ]);
  if (ended.status !== 0)
    throw new RoomcastError(
      "failed",
      `openssl made no key: ${lastLine(ended.stderr)}`,
      `see whether there is room in ${folder}`,
    );
  await rename(partial, made.key);
  return made;
}
