/** What a person has to know of the site's certificate, to have PCs take it. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { secureBootFiles } from "../../core/boot/secure-boot.ts";

/** SHA-1, as MokManager shows it: pairs of hexadecimal digits. */
export async function fingerprintOf(certificate: string): Promise<string> {
  return new X509Certificate(await readFile(certificate)).fingerprint.replaceAll(":", " ");
}

/** What to do on each PC, once; lines for a terminal. */
export function enrolmentSteps({
  server,
  stick,
  fingerprint,
}: {
  readonly server: string;
  /** The folder with what goes on a stick. */
  readonly stick: string;
  readonly fingerprint: string;
}): readonly string[] {
  const { certificate } = secureBootFiles;
  const name = basename(certificate);
  return [
    "Each PC has to take the site's certificate once, in two steps.",
    "",
    "1. Hand it over, in one of two ways:",
    "   - While its agent runs (S on the PC's page of the console, or Ctrl-Alt-F2 at the PC):",
    `       wget ${server}/boot/${certificate} && mokutil --import ${name}`,
    "     It asks for a password that step 2 asks for again. Restart the PC.",
    `   - With a USB stick with FAT, onto which you copy what is in ${stick}.`,
    "     Start the PC from it.",
    "2. At the PC, confirm on the blue screen: Enroll MOK (with the stick: Enroll key from disk, and",
    `   choose ${name}). View key shows a fingerprint, which has to be`,
    `       ${fingerprint}`,
    "   Then Continue, Yes, the password (not with the stick), Reboot.",
    "",
    "When the PCs have it: secureBootImage = true below [boot] in the configuration, and restart the server.",
    "After `roomcast trust rotate` and after `make initrd`, make the image again; the certificate stays.",
  ];
}
