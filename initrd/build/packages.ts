/**
 * Debian packages, chosen and fetched as an ordinary user by the host's own apt (its mirrors, its keys, its
 * checks) and unpacked into a cache folder. Nothing is installed.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";

/** A package unpacked below `root`. */
export interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  readonly root: string;
}

/** How apt is called: with caches, and if need be package lists, in folders of our own. */
export interface Apt {
  readonly options: readonly string[];
  /** Where .deb files and unpacked packages are kept. */
  readonly cacheFolder: string;
}

const debsOf = ({ cacheFolder }: Pick<Apt, "cacheFolder">): string => join(cacheFolder, "debs");
const unpackedOf = ({ cacheFolder }: Apt): string => join(cacheFolder, "unpacked");

/** apt with the host's package lists, as on a machine on which nothing is installed. */
export async function hostApt(cacheFolder: string): Promise<Apt> {
  const folder = join(cacheFolder, "apt");
  await mkdir(folder, { recursive: true });
  await mkdir(debsOf({ cacheFolder }), { recursive: true });
  const installed = join(folder, "status");
  await writeFile(installed, "");
  return {
    cacheFolder,
    options: [
      `Dir::Cache=${folder}`,
      "Dir::Cache::pkgcache=pkgcache.bin",
      "Dir::Cache::srcpkgcache=srcpkgcache.bin",
      `Dir::State::status=${installed}`,
      // Else apt as root warns that its `_apt` user cannot write here.
      "APT::Sandbox::User=root",
    ].flatMap((option) => ["-o", option]),
  };
}

/**
 * apt with package lists of its own, fetched now from the host's sources: for a host whose lists
 * are missing or older than its mirror. A source that fails is passed over; what counts is whether
 * the packages are found afterwards.
 */
export async function ownApt(cacheFolder: string, log: (line: string) => void): Promise<Apt> {
  const host = await hostApt(cacheFolder);
  const folder = join(cacheFolder, "apt", "state");
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  const file = join(cacheFolder, "apt", "apt.conf");
  // Hooks of the host (desktop indexes and the like) are not for us, and need root.
  await writeFile(
    file,
    "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n" +
      "#clear APT::Update::Post-Invoke-Success;\n",
  );
  const apt = {
    cacheFolder,
    options: ["-c", file, "-o", `Dir::State=${folder}`, ...host.options],
  };
  log("fetching package lists");
  const update = await run("apt-get", [...apt.options, "-q", "update"]);
  if (update.status !== 0) log(`apt-get update: ${lastLine(update.stderr)}`);
  return apt;
}

/**
 * The packages named, of the `optional` ones those that apt knows, and the libraries and kernels among all that
 * they depend on, unpacked, by name: the image takes programs by name and shared objects by need, never scripts
 * or daemons. Files kept from before are used again. Throws `not-found` for a name that apt does not know.
 */
export async function fetchPackages(
  apt: Apt,
  names: readonly string[],
  {
    optional = [],
    log,
  }: { readonly optional?: readonly string[]; readonly log: (line: string) => void },
): Promise<readonly UnpackedPackage[]> {
  const wanted = [...names, ...(await knownOf(apt, optional))];
  const words = ["-q", "--no-install-recommends", "--simulate", "install", ...wanted];
  const chosen = await run("apt-get", [...apt.options, ...words]);
  if (chosen.status !== 0)
    throw new RoomcastError(
      "not-found",
      `apt cannot choose the packages: ${lastLine(chosen.stderr)}`,
      "check that the host's sources name Debian's main and security archives, then run apt-get update",
    );
  const packages = parseSimulation(chosen.stdout).filter(
    ({ name }) => wanted.includes(name) || /^(lib|linux-image-)/.test(name),
  );
  await download(apt, packages, log);
  const unpacked: UnpackedPackage[] = [];
  for (const { name, version, deb } of packages)
    unpacked.push({ name, version, root: await unpack(apt, deb) });
  return unpacked.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function knownOf(apt: Apt, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const shown = await run("apt-cache", [...apt.options, "show", "--no-all-versions", ...names]);
  return names.filter((name) => shown.stdout.split("\n").includes(`Package: ${name}`));
}

interface ChosenPackage {
  readonly name: string;
  readonly version: string;
  /** Its file's name without `.deb`; the colon of an epoch is %3a there. */
  readonly deb: string;
}

/** `Inst e2fsprogs (1.47.0-2 Debian:12.11/stable [amd64])` */
const parseSimulation = (text: string): readonly ChosenPackage[] =>
  [...text.matchAll(/^Inst (\S+) \((\S+) .*?\[(\w+)\]\)/gm)].map(
    ([, name = "", version = "", architecture]) => ({
      name,
      version,
      deb: `${name}_${version.replaceAll(":", "%3a")}_${architecture}`,
    }),
  );

/** apt checks the hash of what it fetches; what is whole gets to its place. */
async function download(
  apt: Apt,
  packages: readonly ChosenPackage[],
  log: (line: string) => void,
): Promise<void> {
  const folder = debsOf(apt);
  const kept = new Set(await readdir(folder));
  const lacking = packages.filter(({ deb }) => !kept.has(`${deb}.deb`));
  if (lacking.length === 0) return;
  log(`fetching ${lacking.length} packages`);
  const partial = join(apt.cacheFolder, "debs.partial");
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  const words = ["-q", "download", ...lacking.map(({ name, version }) => `${name}=${version}`)];
  const fetched = await run("apt-get", [...apt.options, ...words], { folder: partial });
  if (fetched.status !== 0)
    throw new RoomcastError(
      "unreachable",
      `apt-get download failed: ${lastLine(fetched.stderr)}`,
      "check the way to the Debian mirror; if the host's package lists are old, run apt-get update",
    );
  for (const { deb } of lacking)
    await rename(join(partial, `${deb}.deb`), join(folder, `${deb}.deb`));
}

async function unpack(apt: Apt, deb: string): Promise<string> {
  const file = join(debsOf(apt), `${deb}.deb`);
  const root = join(unpackedOf(apt), deb);
  if ((await stat(root).catch(() => null)) !== null) return root;
  const partial = `${root}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const done = await run("dpkg-deb", ["-x", file, partial]);
  if (done.status !== 0)
    throw new RoomcastError(
      "bad-input",
      `${file} does not unpack: ${lastLine(done.stderr)}`,
      "check the free space of the cache folder, remove the file and build again",
    );
  await rename(partial, root);
  return root;
}

/** Removes .deb files and unpacked packages that `current` does not name: kernels are large. */
export async function dropStale(apt: Apt, current: readonly UnpackedPackage[]): Promise<void> {
  const keep = new Set(current.map(({ root }) => basename(root)));
  for (const folder of [debsOf(apt), unpackedOf(apt)])
    for (const name of await readdir(folder))
      if (!keep.has(name.replace(/\.deb$/, "")))
        await rm(join(folder, name), { recursive: true, force: true });
}

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** env(1): the program is not there. */
const notFound = 127;
/** What `apt-get` and `apt-cache` print of our packages has some 100 kB. */
const outputLimitBytes = 64 << 20;

/** Runs a program without a shell, in the C locale. Throws when it is not there. */
export function run(
  program: string,
  parameters: readonly string[],
  { folder, libraries = [] }: { folder?: string; libraries?: readonly string[] } = {},
): Promise<Ended> {
  const settings = ["LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"];
  if (libraries.length > 0) settings.push(`LD_LIBRARY_PATH=${libraries.join(":")}`);
  const words = [...settings, program, ...parameters];
  return new Promise((resolve, reject) => {
    execFile(
      "env",
      words,
      { cwd: folder, maxBuffer: outputLimitBytes },
      (cause, stdout, stderr) => {
        const status = cause === null ? 0 : cause.code;
        if (typeof status === "number" && status !== notFound)
          return resolve({ status, stdout, stderr });
        const next = "the boot image is built on Debian, with apt and dpkg";
        const why = stderr.trim() || (cause?.message ?? "");
        reject(new RoomcastError("failed", `${program} cannot be run: ${why}`, next, { cause }));
      },
    );
  });
}

export const lastLine = (text: string): string =>
  text
    .split("\n")
    .filter((line) => line.startsWith("E:"))
    .at(-1) ??
  text.trim().split("\n").at(-1) ??
  "";

/** What tells whether the host's package lists are still the same: names, sizes and times. */
export async function listsFingerprint(folder = "/var/lib/apt/lists"): Promise<string> {
  const names = await readdir(folder).catch(() => []);
  const parts: string[] = [];
  for (const name of names.sort()) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found?.isFile()) parts.push(`${name} ${found.size} ${found.mtimeMs}`);
  }
  return parts.join("\n");
}
