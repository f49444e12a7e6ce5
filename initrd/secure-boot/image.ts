/** Packs kernel, initrd and boot line into one program that the site signs, for PCs with Secure Boot. */
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type BootServer, quietArguments, serverArguments } from "../../core/boot/boot-menu.ts";
import {
  madeOf,
  madeOfField,
  mokManager,
  packedFiles,
  secureBootFiles,
} from "../../core/boot/secure-boot.ts";
import { RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { readPeLayout } from "../../core/node/pe-file.ts";
import { lastLine, run } from "../build/packages.ts";
import { type SiteKey, siteKey } from "./site-key.ts";

export interface SecureBootImageOptions {
  readonly server: BootServer;
  /** More words for the kernel's command line. */
  readonly kernelArguments: readonly string[];
  /** Filled by `make initrd`; the image goes there too. */
  readonly bootFolder: string;
  /** Where the site's key is, or is made. */
  readonly keyFolder: string;
  readonly log: (line: string) => void;
}

/** Below the boot folder: what a stick needs to start MokManager, which lists the certificate beside it. */
export const stickFolder = "secure/stick";

/** systemd's program that starts the kernel that is packed with it (Debian's `systemd-boot-efi`). */
export const stubFile = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

const tools = [
  { file: stubFile, package: "systemd-boot-efi" },
  { file: "/usr/bin/objcopy", package: "binutils" },
  { file: "/usr/bin/sbsign", package: "sbsigntool" },
  { file: "/usr/bin/openssl", package: "openssl" },
];

/** The kernel's limit (COMMAND_LINE_SIZE of x86). */
const commandLineLimit = 2048;

/**
 * Makes the files of `secureBootFiles` in the boot folder. Rejects with a RoomcastError when a tool or a boot
 * file is missing, or the key's folder is open to others.
 */
export async function makeSecureBootImage(options: SecureBootImageOptions): Promise<SiteKey> {
  const { bootFolder, log } = options;
  await requireTools();
  const commandLine = [
    ...serverArguments(options.server),
    ...quietArguments,
    ...options.kernelArguments,
  ].join(" ");
  if (commandLine.length >= commandLineLimit)
    throw new RoomcastError(
      "usage",
      `the boot line has ${commandLine.length} characters, and the kernel takes fewer than ${commandLineLimit}`,
      "leave arguments out",
    );
  const key = await siteKey(options.keyFolder, log);
  await mkdir(join(bootFolder, "secure"), { recursive: true });
  const work = await mkdtemp(join(bootFolder, "secure", ".making-"));
  try {
    const unsigned = join(work, "unsigned.efi");
    await pack(bootFolder, commandLine, { work, unsigned });
    for (const [from, to] of [
      [unsigned, secureBootFiles.image],
      [join(bootFolder, "localboot.efi"), secureBootFiles.localDisk],
      // For PCs whose firmware has the site's certificate and no longer takes Microsoft's signature.
      [join(bootFolder, "shimx64.efi"), secureBootFiles.shim],
    ] as const) {
      const signed = join(work, "signed.efi");
      await sign(key, from, signed);
      await rename(signed, join(bootFolder, to));
    }
    const certificate = join(work, "site.cer");
    await must("openssl", ["x509", "-in", key.certificate, "-outform", "der", "-out", certificate]);
    await rename(certificate, join(bootFolder, secureBootFiles.certificate));
    await fillStick(bootFolder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const { size } = await stat(join(bootFolder, secureBootFiles.image));
  log(`${secureBootFiles.image} ${(size / 1e6).toFixed(1)} MB, boot line: ${commandLine}`);
  return key;
}

/** The shim starts MokManager when the signature of what it is to start is of no key that the PC knows. */
async function fillStick(bootFolder: string): Promise<void> {
  const { shim, localDisk, certificate } = secureBootFiles;
  const loaders = join(bootFolder, stickFolder, "EFI", "BOOT");
  await mkdir(loaders, { recursive: true });
  for (const [from, to] of [
    [shim, join(loaders, "BOOTX64.EFI")],
    [localDisk, join(loaders, "grubx64.efi")],
    [mokManager, join(loaders, mokManager)],
    [certificate, join(bootFolder, stickFolder, basename(certificate))],
  ] as const)
    await copyFile(join(bootFolder, from), to);
}

/** Adds what is packed as sections of the stub, each after the other in memory. */
async function pack(
  bootFolder: string,
  commandLine: string,
  { work, unsigned }: { readonly work: string; readonly unsigned: string },
): Promise<void> {
  const files = await Promise.all(packedFiles.map((name) => bootFile(bootFolder, name)));
  const [kernel, ...initrds] = files as [Uint8Array, ...Uint8Array[]];
  const hashes = Object.fromEntries(
    files.map((data, index) => [packedFiles[index], hexSha256(data)]),
  ) as Parameters<typeof madeOf>[0];
  const release = `ID=roomcast\nNAME=roomcast\n${madeOfField}="${madeOf(hashes)}"\n`;
  const text = (words: string): Uint8Array => new TextEncoder().encode(words);
  const { imageBase, endAddress, alignment } = await readPeLayout(stubFile);
  const grid = (address: number): number => Math.ceil(address / alignment) * alignment;
  let address = grid(endAddress);
  const words: string[] = [];
  for (const [name, data] of [
    [".osrel", text(release)],
    [".cmdline", text(commandLine)],
    [".linux", kernel],
    [".initrd", Buffer.concat(initrds)],
  ] as const) {
    const file = join(work, name);
    await writeFile(file, data);
    words.push("--add-section", `${name}=${file}`);
    words.push("--change-section-vma", `${name}=${imageBase + address}`);
    address = grid(address + data.length);
  }
  await must("objcopy", [...words, stubFile, unsigned]);
}

async function bootFile(folder: string, name: string): Promise<Uint8Array> {
  const data = await readFile(join(folder, name)).catch(() => null);
  if (data !== null) return data;
  throw new RoomcastError("not-found", `${folder} lacks ${name}`, "run `make initrd` first");
}

/** Signatures that are there already stay. */
async function sign({ key, certificate }: SiteKey, from: string, to: string): Promise<void> {
  await must("sbsign", ["--key", key, "--cert", certificate, "--output", to, from]);
  await must("sbverify", ["--cert", certificate, to]);
}

async function must(program: string, words: readonly string[]): Promise<void> {
  const { status, stderr } = await run(program, words);
  if (status === 0) return;
  const next = "read the line, and see whether there is room on the disk";
  throw new RoomcastError("failed", `${program} did not succeed: ${lastLine(stderr)}`, next);
}

async function requireTools(): Promise<void> {
  const missing: string[] = [];
  for (const tool of tools)
    if ((await stat(tool.file).catch(() => null)) === null) missing.push(tool.package);
  if (missing.length > 0)
    throw new RoomcastError(
      "not-found",
      `the Secure Boot image is made with programs that are missing here`,
      `apt-get install ${missing.join(" ")}`,
    );
}
