/** The archives that make the initrd, as lists of entries. */
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import type { Bundle } from "./bundle.ts";
import { deviceFiles, type PackageFiles, rescueShell, tools } from "./contents.ts";
import type { CpioEntry } from "./cpio.ts";
import { alwaysLoaded } from "./drivers.ts";
import { withoutSections } from "./elf.ts";
import type { ModuleFile } from "./kernel.ts";
import { closeLibraries } from "./libraries.ts";
import { modulesAlias, modulesDep } from "./modules.ts";
import type { UnpackedPackage } from "./packages.ts";

/** What the system part is made of. */
export interface SystemParts {
  readonly packages: readonly UnpackedPackage[];
  readonly kernelVersion: string;
  readonly modules: readonly ModuleFile[];
  /** The pinned Node's program on the host. */
  readonly nodeProgram: string;
  /** The checkout's `node_modules`. */
  readonly nodeModules: string;
}

/**
 * Comes first and fits into any memory: a shell, and a first process that says what is the matter. It
 * runs only when the kernel had no room to unpack what follows, which has another one in its place.
 */
export async function rescueTree(
  packages: readonly UnpackedPackage[],
  initFolder: string,
): Promise<CpioEntry[]> {
  return [
    ...deviceFiles.map((device): CpioEntry => ({ kind: "character-device", ...device })),
    ...emptyFolders.map((path): CpioEntry => ({ path, kind: "directory", permissions: 0o755 })),
    { path: "bin/sh", kind: "symlink", target: "busybox" },
    ...(await packageFiles(rescueShell, packages)),
    { path: "init", kind: "symlink", target: "rescue" },
    executable("rescue", await readFile(join(initFolder, "rescue"))),
  ];
}

/** Everything that is not ours: changes with Debian's and Node's releases only. */
export async function systemTree(parts: SystemParts): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [
    // The kernel itself calls it, for PHYs and cryptography.
    { path: "sbin/modprobe", kind: "symlink", target: "../bin/busybox" },
    ...Object.entries(configuration).map(([path, text]) => textFile(path, text)),
  ];
  for (const tool of tools) entries.push(...(await packageFiles(tool, parts.packages)));
  entries.push(executable(nodePath, stripped(await readFile(parts.nodeProgram), "node")));
  entries.push(...(await nativePackages(parts.nodeModules)));
  entries.push(...(await driverTree({ ...parts, listed: parts.modules })));
  entries.push(textFile("etc/modules", alwaysLoaded.map((name) => `${name}\n`).join("")));

  const programs = new Map(
    entries.flatMap((entry) => (entry.kind === "file" ? [[entry.path, entry.data] as const] : [])),
  );
  for (const [path, file] of await closeLibraries(programs, parts.packages))
    entries.push(executable(path, await readFile(file)));
  return entries;
}

/** What is ours: small, and changes often. It is unpacked over the system part. */
export async function agentTree(
  bundle: Bundle,
  initFolder: string,
  blessedFolder: string,
): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [textFile("roomcast/package.json", '{"type":"commonjs"}\n')];
  for (const [name, data] of bundle)
    entries.push({ path: `roomcast/${name}`, kind: "file", permissions: 0o644, data });
  for (const name of (await readdir(initFolder)).sort()) {
    if (name === "rescue") continue;
    const data = await readFile(join(initFolder, name));
    entries.push(executable(name === "init" ? "init" : `roomcast/${name}`, data));
  }
  entries.push(...(await folder(blessedFolder, "roomcast/blessed")));
  // The last by path: without it `init` knows that the archive did not fit into the memory.
  entries.push(textFile("var/agent-complete", ""));
  return entries;
}

/** Where Node is in the image. */
export const nodePath = "usr/bin/node";

const emptyFolders = ["dev", "mnt", "proc", "root", "run", "sys", "tmp", "var"];

const configuration: Readonly<Record<string, string>> = {
  "etc/group": "root:x:0:\n",
  "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
};

const textFile = (path: string, text: string): CpioEntry => ({
  path,
  kind: "file",
  permissions: 0o644,
  data: new TextEncoder().encode(text),
});

const executable = (path: string, data: Uint8Array): CpioEntry => ({
  path,
  kind: "file",
  permissions: 0o755,
  data,
});

function stripped(file: Uint8Array, name: string): Uint8Array {
  const cut = withoutSections(file);
  if (cut.ok) return cut.value;
  throw new RoomcastError(
    "bad-input",
    `${name} is no program for this machine: ${cut.reason}`,
    "install the dependencies again with npm ci",
  );
}

async function packageFiles(
  wanted: PackageFiles,
  packages: readonly UnpackedPackage[],
): Promise<CpioEntry[]> {
  const root = rootOf(wanted.name, packages);
  return Promise.all(
    wanted.files.map(async (path): Promise<CpioEntry> => {
      const from = join(root, path);
      const found = await lstat(from).catch(() => null);
      if (found === null)
        throw new RoomcastError(
          "not-found",
          `package ${wanted.name} has no ${path}`,
          "mend the list in initrd/build/contents.ts",
        );
      if (found.isSymbolicLink()) return { path, kind: "symlink", target: await readlink(from) };
      // Not the mode as unpacked: that is up to the builder's umask.
      const permissions = (found.mode & 0o100) === 0 ? 0o644 : 0o755;
      return { path, kind: "file", permissions, data: await readFile(from) };
    }),
  );
}

function rootOf(name: string, packages: readonly UnpackedPackage[]): string {
  const found = packages.find((each) => each.name === name);
  if (found === undefined) throw new Error(`package ${name} was not fetched`);
  return found.root;
}

/** What node-pty has for Windows is left out. */
const ptyScripts = ["index", "eventEmitter2", "requireBinary", "terminal", "unixTerminal", "utils"];

/** Packages with a native part, laid out so that an import from `roomcast/` finds both. */
async function nativePackages(nodeModules: string): Promise<CpioEntry[]> {
  const koffiNative = "@koromix/koffi-linux-x64";
  const ptyNative = "@lydell/node-pty-linux-x64";
  // Beside the scripts lie its C++ sources.
  const scripts = (await readdir(join(nodeModules, "koffi", "src"), { recursive: true })).filter(
    (path) => /\.c?js$/.test(path),
  );
  const files = [
    "koffi/package.json",
    "koffi/index.cjs",
    "koffi/index.js",
    ...scripts.map((path) => `koffi/src/${path}`),
    `${koffiNative}/package.json`,
    `${koffiNative}/index.js`,
    `${koffiNative}/linux_x64/koffi.node`,
    "@lydell/node-pty/package.json",
    ...ptyScripts.map((name) => `@lydell/node-pty/${name}.js`),
    `${ptyNative}/package.json`,
    `${ptyNative}/pty.node`,
  ];
  return Promise.all(
    files.map(async (path): Promise<CpioEntry> => {
      const file = await readFile(join(nodeModules, path));
      return {
        path: `roomcast/node_modules/${path}`,
        kind: "file",
        permissions: 0o644,
        data: path.endsWith(".node") ? stripped(file, path) : file,
      };
    }),
  );
}

/** What a PC finds its drivers in. */
export interface DriverParts extends Pick<SystemParts, "packages" | "kernelVersion" | "modules"> {
  /** What the tables name: `modules`, and what an archive before this one has of the same kernel. */
  readonly listed: readonly ModuleFile[];
}

/** Modules, the tables by which modprobe finds them, and their firmware as far as the packages have it. */
async function driverTree(parts: DriverParts): Promise<CpioEntry[]> {
  const base = `lib/modules/${parts.kernelVersion}`;
  const described = parts.listed.map(({ module }) => module);
  return [
    textFile(`${base}/modules.dep`, modulesDep(described)),
    textFile(`${base}/modules.alias`, modulesAlias(described)),
    ...parts.modules.map(
      ({ module, data }): CpioEntry => ({
        path: `${base}/${module.path}`,
        kind: "file",
        permissions: 0o644,
        data,
      }),
    ),
    ...(await firmware(parts)),
  ];
}

/** An archive of its own behind the others. `memory.sh` sees by its first and last file (by path) whether it fitted. */
export async function furtherDriverTree(parts: DriverParts): Promise<CpioEntry[]> {
  return [
    textFile("etc/drivers-begun", ""),
    ...(await driverTree(parts)),
    textFile("var/drivers-complete", ""),
  ];
}

async function firmware({ modules, packages }: DriverParts): Promise<CpioEntry[]> {
  const names = new Set(modules.flatMap(({ module }) => module.firmware));
  const entries: CpioEntry[] = [];
  for (const name of [...names].sort()) {
    const path = `lib/firmware/${name}`;
    for (const { root } of packages) {
      const data = await readFile(join(root, path)).catch(() => null);
      if (data === null) continue;
      entries.push({ path, kind: "file", permissions: 0o644, data });
      break;
    }
  }
  return entries;
}

/** All regular files below a folder of the host. */
async function folder(from: string, to: string): Promise<CpioEntry[]> {
  const files = (await readdir(from, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  return Promise.all(
    files.map(async (entry): Promise<CpioEntry> => {
      const file = join(entry.parentPath, entry.name);
      const path = `${to}/${relative(from, file)}`;
      return { path, kind: "file", permissions: 0o644, data: await readFile(file) };
    }),
  );
}
