/** The kernel and its modules out of an unpacked `linux-image-…` package. */
import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { assert, RoomcastError } from "../../core/errors.ts";
import { leftOut } from "./drivers.ts";
import {
  closeModules,
  describeModule,
  type KernelModule,
  type ModuleSet,
  moduleName,
} from "./modules.ts";
import type { UnpackedPackage } from "./packages.ts";

/** A kernel as the package holds it; `vmlinuz` and modules are of one build by construction. */
export interface Kernel {
  /** As `uname -r` will say: `6.1.0-56-amd64`. */
  readonly version: string;
  /** Path of the boot file on the host. */
  readonly vmlinuz: string;
  /** `lib/modules/VERSION` on the host. */
  readonly moduleFolder: string;
}

/**
 * Where the kernel of the package `name` is. A package such as linux-image-amd64 has nothing in it but the name
 * of the current kernel's, which came with it.
 */
export function kernelRoot(packages: readonly UnpackedPackage[], name: string): string {
  const kernels = packages.filter((each) => each.name.startsWith("linux-image-"));
  const found = kernels.find((each) => each.name !== name) ?? kernels[0];
  if (found === undefined)
    throw new RoomcastError(
      "not-found",
      `package ${name} brings no kernel`,
      "name a linux-image package of Debian 12 or later",
    );
  return found.root;
}

/**
 * Finds the kernel below `root`, laid out as Debian's packages are, or with `vmlinuz…` at the top. Throws
 * `bad-input` when there is none, or none that can unpack the initrd.
 */
export async function findKernel(root: string): Promise<Kernel> {
  const refuse = (why: string): RoomcastError =>
    new RoomcastError(
      "bad-input",
      `${root} has no kernel for the boot image: ${why}`,
      "name a linux-image package of Debian 12 or later, or a folder with vmlinuz and lib/modules/VERSION",
    );
  const folders = [join(root, "boot"), root];
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => []);
    const name = files.sort().find((file) => /^vmlinuz(-|$)/.test(file));
    if (name === undefined) continue;
    const modules = await readdir(join(root, "lib", "modules")).catch((): string[] => []);
    const version = name === "vmlinuz" ? modules[0] : name.slice("vmlinuz-".length);
    if (version === undefined || !modules.includes(version))
      throw refuse(`beside ${name} there is no lib/modules/${version ?? "VERSION"}`);
    const config = await readFile(join(folder, `config-${version}`), "utf8").catch(() => null);
    if (config !== null && !/^CONFIG_RD_ZSTD=y$/m.test(config))
      throw refuse("it is built without CONFIG_RD_ZSTD");
    return {
      version,
      vmlinuz: join(folder, name),
      moduleFolder: join(root, "lib", "modules", version),
    };
  }
  throw refuse("no file vmlinuz");
}

/** A module and its bytes. */
export interface ModuleFile {
  readonly module: KernelModule;
  readonly data: Uint8Array;
}

/** Every module of a kernel, read once. */
export interface KernelModules {
  readonly all: readonly KernelModule[];
  readonly builtin: ReadonlySet<string>;
  data(module: KernelModule): Uint8Array;
}

/** Reads all modules of a kernel. Throws `bad-input` for a file that is none. */
export async function readModules(kernel: Kernel): Promise<KernelModules> {
  const files = (
    await readdir(join(kernel.moduleFolder, "kernel"), { recursive: true, withFileTypes: true })
  )
    .filter((entry) => entry.isFile() && /\.ko(\.xz|\.zst|\.gz)?$/.test(entry.name))
    .map((entry) => relative(kernel.moduleFolder, join(entry.parentPath, entry.name)))
    .sort();
  const found = new Map<string, Uint8Array>();
  const all: KernelModule[] = [];
  for (const file of files) {
    const data = await unpacked(join(kernel.moduleFolder, file));
    const path = file.replace(/\.ko\..*$/, ".ko");
    const module = describeModule(path, data);
    if (!module.ok)
      throw new RoomcastError(
        "bad-input",
        `${file} of kernel ${kernel.version} is no module: ${module.reason}`,
        "remove the cache folder and build again",
      );
    all.push(module.value);
    found.set(path, data);
  }
  const builtin = await builtinModules(kernel);
  return { all, builtin, data: ({ path }) => found.get(path) as Uint8Array };
}

/** The largest of Debian's has some 10 MB. */
const moduleLimitBytes = 128 << 20;

/** Newer kernels come with compressed modules: here they are compressed with all else, and better. */
async function unpacked(path: string): Promise<Uint8Array> {
  const data = await readFile(path);
  if (path.endsWith(".ko")) return data;
  if (path.endsWith(".zst")) return zstdDecompressSync(data);
  if (path.endsWith(".gz")) return gunzipSync(data);
  try {
    return execFileSync("xz", ["-dc", path], { maxBuffer: moduleLimitBytes });
  } catch (cause) {
    const next = "apt-get install xz-utils, or check the file";
    throw new RoomcastError("failed", `xz does not unpack ${path}`, next, { cause });
  }
}

/**
 * The modules that `wanted` names, one by one or by folder, and what they need. Throws `not-found` when
 * the kernel lacks one that is named, unless `allowMissing`: kernels differ.
 */
export function chooseModules(
  kernel: Kernel,
  modules: KernelModules,
  wanted: readonly string[],
  { allowMissing = false }: { readonly allowMissing?: boolean } = {},
): readonly ModuleFile[] {
  const folders = wanted.filter((name) => name.endsWith("/"));
  const inFolders = modules.all.filter(({ path }) =>
    folders.some((folder) => path.startsWith(`kernel/${folder}`)),
  );
  const unwanted = new Set(leftOut.map(moduleName));
  const names = [
    ...wanted.filter((name) => !name.endsWith("/")),
    ...inFolders.map(({ name }) => name).filter((name) => !unwanted.has(name)),
  ];
  const chosen: ModuleSet = closeModules(modules.all, modules.builtin, names);
  if (chosen.missing.length > 0 && !allowMissing)
    throw new RoomcastError(
      "not-found",
      `kernel ${kernel.version} has no module ${chosen.missing.join(", ")}`,
      "mend the list in initrd/build/drivers.ts",
    );
  // A RAID that was assembled writes to its members; a disk that was not chosen stays as it is.
  const assembling = chosen.modules.find(({ path }) => path.startsWith("kernel/drivers/md/"));
  assert(assembling === undefined, `the image has no ${assembling?.name}, which assembles disks`);
  return chosen.modules.map((module) => ({ module, data: modules.data(module) }));
}

async function builtinModules(kernel: Kernel): Promise<ReadonlySet<string>> {
  const text = await readFile(join(kernel.moduleFolder, "modules.builtin"), "utf8");
  return new Set(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map(moduleName),
  );
}
