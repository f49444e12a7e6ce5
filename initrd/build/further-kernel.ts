/** A further kernel for the boot menu: `kernels/NAME/` in the boot folder. */
import { copyFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { encodeCpio } from "./cpio.ts";
import { alwaysLoaded, furtherDrivers, usualDrivers } from "./drivers.ts";
import { compress } from "./image.ts";
import { chooseModules, findKernel, kernelRoot, readModules } from "./kernel.ts";
import { fetchPackages, hostApt } from "./packages.ts";
import { furtherDriverTree } from "./tree.ts";

export interface FurtherKernelOptions {
  /** By which the configuration offers it. */
  readonly name: string;
  /** A Debian package, or a folder with `vmlinuz…` (also in `boot/`) and `lib/modules/VERSION`. */
  readonly from: string;
  readonly cacheFolder: string;
  /** The boot folder. */
  readonly outFolder: string;
  readonly log: (line: string) => void;
}

/**
 * Makes a kernel's `vmlinuz` and `modules.img`, the archive of its drivers that is unpacked over the
 * standard initrd. Drivers of our list that this kernel does not have are left out.
 */
export async function buildFurtherKernel(options: FurtherKernelOptions): Promise<void> {
  const { name, from, log } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(name))
    throw new RoomcastError(
      "usage",
      `${JSON.stringify(name)} is no name for a kernel`,
      "take letters, digits, and . _ - in between: make kernel NAME=6.12 FROM=PACKAGE",
    );
  const kernel = await findKernel(await rootOf(options));
  const modules = await readModules(kernel);
  const wanted = [usualDrivers, furtherDrivers].flatMap((drivers) => Object.values(drivers).flat());
  const chosen = chooseModules(kernel, modules, [...wanted, ...alwaysLoaded], {
    allowMissing: true,
  });
  const parts = { packages: [], kernelVersion: kernel.version, modules: chosen, listed: chosen };
  const archive = compress(encodeCpio(await furtherDriverTree(parts)));
  const folder = join(options.outFolder, "kernels", name);
  await mkdir(folder, { recursive: true });
  await copyFile(kernel.vmlinuz, join(folder, "vmlinuz"));
  await writeFile(join(folder, "modules.img"), archive);
  log(
    `${folder}: kernel ${kernel.version} of ${from}, ${chosen.length} modules in ${(archive.length / 1e6).toFixed(1)} MB`,
  );
  log(`offer it in the configuration: [[boot.kernels]] name = "${name}"`);
}

async function rootOf({ from, cacheFolder, log }: FurtherKernelOptions): Promise<string> {
  if ((await stat(from).catch(() => null))?.isDirectory()) return from;
  const apt = await hostApt(cacheFolder);
  return kernelRoot(await fetchPackages(apt, [from], { log }), from);
}
