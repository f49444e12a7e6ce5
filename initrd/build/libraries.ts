/** The shared objects that programs need, found in unpacked packages by DT_NEEDED. */
import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { readDynamic } from "./elf.ts";
import type { UnpackedPackage } from "./packages.ts";

/** Path in the image (the loader's own place, or the library folder) → file on the host. */
export type Libraries = ReadonlyMap<string, string>;

/** Debian's multiarch folder, which its glibc searches without any configuration. */
const libraryFolder = "lib/x86_64-linux-gnu";
const searched = [libraryFolder, `usr/${libraryFolder}`, "lib", "usr/lib", "lib64"];

/**
 * What `programs` load, directly or not, loader included. `programs` maps a name for messages to
 * the file's bytes; files that are not ELF need nothing. Throws `not-found` for a library that no
 * package has.
 */
export async function closeLibraries(
  programs: ReadonlyMap<string, Uint8Array>,
  packages: readonly UnpackedPackage[],
): Promise<Libraries> {
  const available = await librariesIn(packages);
  const chosen = new Map<string, string>();
  const queue: (readonly [string, Uint8Array])[] = [...programs];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, file] = next;
    const dynamic = readDynamic(file);
    if (!dynamic.ok) continue;
    const { interpreter, needed } = dynamic.value;
    const wanted: [string, string][] = needed.map((soname) => [
      `${libraryFolder}/${soname}`,
      soname,
    ]);
    if (interpreter !== null)
      wanted.push([interpreter.slice(1), interpreter.split("/").at(-1) as string]);
    for (const [path, soname] of wanted) {
      // The loader is named by programs (its path) and by libc (its soname): one file is enough.
      if (chosen.has(path) || (soname.startsWith("ld-linux") && interpreter === null)) continue;
      const found = available.get(soname);
      if (found === undefined)
        throw new RoomcastError(
          "not-found",
          `${name} needs ${soname}, which no fetched package has`,
          "add its package in initrd/build/contents.ts",
        );
      chosen.set(path, found);
      queue.push([soname, await readFile(found)]);
    }
  }
  return chosen;
}

async function librariesIn(packages: readonly UnpackedPackage[]): Promise<Map<string, string>> {
  const available = new Map<string, string>();
  for (const { root } of packages) {
    for (const folder of searched) {
      const names = await readdir(join(root, folder)).catch(() => []);
      for (const name of names.sort()) {
        if (!/\.so(\.|$)/.test(name) || available.has(name)) continue;
        const real = await realpath(join(root, folder, name)).catch(() => null);
        if (real !== null) available.set(name, real);
      }
    }
  }
  return available;
}
