/** The kernel and its modules out of an unpacked `linux-image-…` package. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import {
  closeModules,
  describeModule,
  type KernelModule,
  type ModuleSet,
  moduleName,
} from "./modules.ts";

/** A kernel as the package holds it; `vmlinuz` and modules are of one build by construction. */
export interface Kernel {
  /** As `uname -r` will say: `6.1.0-56-amd64`. */
  readonly version: string;
  /** Path of the boot file on the host. */
  readonly vmlinuz: string;
  /** `lib/modules/VERSION` on the host. */
  readonly moduleFolder: string;
}

/** Finds the kernel below `root`. Throws `bad-input` when the package holds none, or none that fits. */
export async function findKernel(root: string): Promise<Kernel> {
  const files = await readdir(join(root, "boot")).catch(() => []);
  const name = files.find((file) => file.startsWith("vmlinuz-"));
  const version = name?.slice("vmlinuz-".length) ?? "";
  const config = await readFile(join(root, "boot", `config-${version}`), "utf8").catch(() => "");
  if (name === undefined || !/^CONFIG_RD_ZSTD=y$/m.test(config))
    throw new RoomcastError(
      "bad-input",
      `the kernel package in ${root} has ${name === undefined ? "no kernel" : "a kernel that cannot unpack zstd"}`,
      "build on Debian 12 with its linux-image-amd64",
    );
  return {
    version,
    vmlinuz: join(root, "boot", name),
    moduleFolder: join(root, "lib", "modules", version),
  };
}

/** A module and its bytes. */
export interface ModuleFile {
  readonly module: KernelModule;
  readonly data: Uint8Array;
}

/** The modules named in `wanted`, and what they need. Throws `not-found` when the kernel has not all of them. */
export async function chooseModules(
  kernel: Kernel,
  wanted: readonly string[],
): Promise<readonly ModuleFile[]> {
  const files = (
    await readdir(join(kernel.moduleFolder, "kernel"), { recursive: true, withFileTypes: true })
  )
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ko"))
    .map((entry) => relative(kernel.moduleFolder, join(entry.parentPath, entry.name)))
    .sort();
  const found = new Map<string, Uint8Array>();
  const all: KernelModule[] = [];
  for (const path of files) {
    const data = await readFile(join(kernel.moduleFolder, path));
    const module = describeModule(path, data);
    if (!module.ok)
      throw new RoomcastError(
        "bad-input",
        `${path} of kernel ${kernel.version} is no module: ${module.reason}`,
        "remove the cache folder and build again",
      );
    all.push(module.value);
    found.set(path, data);
  }
  const chosen: ModuleSet = closeModules(all, await builtinModules(kernel), wanted);
  if (chosen.missing.length > 0)
    throw new RoomcastError(
      "not-found",
      `kernel ${kernel.version} has no module ${chosen.missing.join(", ")}`,
      "mend the list in initrd/build/contents.ts",
    );
  return chosen.modules.map((module) => ({ module, data: found.get(module.path) as Uint8Array }));
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
