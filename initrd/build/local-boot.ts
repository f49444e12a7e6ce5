/** `localboot.efi`: GRUB with nothing in it but the way to the PC's own disk, for UEFI. Unsigned. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localDiskCommands } from "../../core/boot/grub-script.ts";
import { RoomcastError } from "../../core/errors.ts";
import { readPeSection } from "../../core/node/pe-file.ts";
import { type Loader, loaders, localBoot } from "./contents.ts";
import { type CpioEntry, encodeCpio } from "./cpio.ts";
import { lastLine, run, type UnpackedPackage } from "./packages.ts";

const scriptName = "local-disk.cfg";

/** Writes it to `path`; GRUB's tool and modules are those of the unpacked packages. */
export async function makeLocalBoot(
  packages: readonly UnpackedPackage[],
  path: string,
): Promise<void> {
  const rootOf = (name: string): string =>
    (packages.find((each) => each.name === name) as UnpackedPackage).root;
  const folder = await mkdtemp(join(tmpdir(), "roomcast-localboot-"));
  try {
    // GRUB reads its first script with a parser that knows no loops: it only leads to the one that counts.
    const first = join(folder, "first.cfg");
    await writeFile(first, `normal (memdisk)/${scriptName}\n`);
    const data = new TextEncoder().encode(`${localDiskCommands.join("\n")}\n`);
    const disk = join(folder, "memdisk");
    const script: CpioEntry = { path: scriptName, kind: "file", permissions: 0o644, data };
    await writeFile(disk, encodeCpio([script]));
    // Which fixes it has: the shim starts nothing that does not say so. Debian's signed GRUB is of the same source.
    const fixes = join(folder, "sbat.csv");
    const { package: signed, file: signedFile } = loaders.find(
      ({ name }) => name === "grubx64.efi",
    ) as Loader;
    const sbat = await readPeSection(join(rootOf(signed), signedFile), ".sbat");
    await writeFile(fixes, sbat ?? "");
    const made = await run(
      join(rootOf(localBoot.tool.package), localBoot.tool.file),
      [
        ...["-d", join(rootOf(localBoot.modules.package), localBoot.modules.folder)],
        ...["-O", "x86_64-efi", "-p", "(memdisk)/", "-c", first, "-m", disk, "-o", path],
        ...["--sbat", fixes],
        ...localBoot.built,
      ],
      { libraries: libraryFolders(packages) },
    );
    if (made.status !== 0)
      throw new RoomcastError(
        "failed",
        `grub-mkimage made no localboot.efi: ${lastLine(made.stderr)}`,
        "build on Debian 12, for 64-bit x86",
      );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Not libc's own: the host's loader goes with the host's libc. */
const libraryFolders = (packages: readonly UnpackedPackage[]): string[] =>
  packages
    .filter(({ name }) => name.startsWith("lib") && name !== "libc6")
    .map(({ root }) => join(root, "lib/x86_64-linux-gnu"));
