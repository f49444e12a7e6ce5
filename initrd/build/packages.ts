/**
 * Debian packages, fetched as an ordinary user by the host's own apt (its mirrors, its keys, its
 * checks) and unpacked into a cache folder. Nothing is installed.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RoomcastError } from "../../core/errors.ts";

/** A package as apt would install it now. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of the .deb file, hex. */
  readonly sha256: string;
  readonly size: number;
  /** Names in `Depends` and `Pre-Depends`, in order; of alternatives the first. */
  readonly depends: readonly string[];
}

/** A package unpacked below `root`. */
export interface UnpackedPackage extends DebianPackage {
  readonly root: string;
}

/** How apt is called: with caches, and if need be package lists, in folders of our own. */
export interface Apt {
  readonly options: readonly string[];
  /** Where .deb files and unpacked packages are kept. */
  readonly cacheFolder: string;
}

/** apt with the host's package lists. */
export async function hostApt(cacheFolder: string): Promise<Apt> {
  const folder = join(cacheFolder, "apt");
  await mkdir(join(folder, "archives", "partial"), { recursive: true });
  return {
    cacheFolder,
    options: [
      `Dir::Cache=${folder}`,
      "Dir::Cache::pkgcache=pkgcache.bin",
      "Dir::Cache::srcpkgcache=srcpkgcache.bin",
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
    options: [
      "-c",
      file,
      ...host.options,
      "-o",
      `Dir::State=${folder}`,
      "-o",
      "Dir::State::status=/var/lib/dpkg/status",
    ],
  };
  log("fetching package lists");
  const update = await run("apt-get", [...apt.options, "-q", "update"]);
  if (update.status !== 0) log(`apt-get update: ${lastLine(update.stderr)}`);
  return apt;
}

/**
 * The packages named and all libraries they depend on, directly or not. Only dependencies called
 * `lib…` are followed: the image takes programs by name and shared objects by need, never scripts
 * or daemons. Throws `not-found` for a name that apt does not know, but for those that are `optional`.
 */
export async function resolvePackages(
  apt: Apt,
  names: readonly string[],
  optional: readonly string[] = [],
): Promise<readonly DebianPackage[]> {
  const known = new Map<string, DebianPackage>();
  let asked: readonly string[] = [...new Set([...names, ...optional])];
  while (asked.length > 0) {
    const shown = await run("apt-cache", [...apt.options, "show", "--no-all-versions", ...asked]);
    const found = parseStanzas(shown.stdout);
    for (const name of asked) {
      const candidate = found.find((each) => each.name === name);
      if (candidate !== undefined) known.set(name, candidate);
      else if (names.includes(name))
        throw new RoomcastError(
          "not-found",
          `apt knows no package ${name}`,
          "check that the host's sources name Debian's main and security archives, then run apt-get update",
        );
    }
    const missing = new Set<string>();
    for (const { depends } of known.values())
      for (const name of depends)
        if (name.startsWith("lib") && !known.has(name) && !asked.includes(name)) missing.add(name);
    asked = [...missing].sort();
  }
  return [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads what `apt-cache show` prints. Stanzas without what we need are passed over. */
export function parseStanzas(text: string): DebianPackage[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1];
    const name = field("Package");
    const version = field("Version");
    const architecture = field("Architecture");
    const sha256 = field("SHA256");
    const size = Number(field("Size"));
    if (!name || !version || !architecture || !sha256 || !Number.isSafeInteger(size)) return [];
    const depends = [field("Pre-Depends"), field("Depends")]
      .flatMap((list) => list?.split(",") ?? [])
      .map((alternatives) => /^\s*([^\s:(|]+)/.exec(alternatives)?.[1])
      .filter((dependency) => dependency !== undefined);
    return [{ name, version, architecture, sha256, size, depends }];
  });
}

/** Fetches what the cache lacks, checks every file's SHA-256, unpacks. Files kept from before are used again. */
export async function fetchPackages(
  apt: Apt,
  packages: readonly DebianPackage[],
  log: (line: string) => void,
): Promise<readonly UnpackedPackage[]> {
  const debs = join(apt.cacheFolder, "debs");
  await mkdir(debs, { recursive: true });
  const lacking: DebianPackage[] = [];
  for (const each of packages)
    if ((await sha256Of(join(debs, debName(each)))) !== each.sha256) lacking.push(each);
  if (lacking.length > 0) {
    const bytes = lacking.reduce((sum, each) => sum + each.size, 0);
    log(`fetching ${lacking.length} packages, ${(bytes / 1e6).toFixed(1)} MB`);
    for (const each of lacking) await rm(join(debs, debName(each)), { force: true });
    const fetched = await run(
      "apt-get",
      [...apt.options, "-q", "download", ...lacking.map((each) => `${each.name}=${each.version}`)],
      { folder: debs },
    );
    if (fetched.status !== 0)
      throw new RoomcastError(
        "unreachable",
        `apt-get download failed: ${lastLine(fetched.stderr)}`,
        "check the way to the Debian mirror; if the host's package lists are old, run apt-get update",
      );
  }
  const unpacked: UnpackedPackage[] = [];
  for (const each of packages) unpacked.push({ ...each, root: await unpack(apt, each, debs) });
  return unpacked;
}

async function unpack(apt: Apt, each: DebianPackage, debs: string): Promise<string> {
  const deb = join(debs, debName(each));
  if ((await sha256Of(deb)) !== each.sha256)
    throw new RoomcastError(
      "bad-input",
      `${deb} is not the package that apt describes`,
      "remove the file and build again",
    );
  const root = join(apt.cacheFolder, "unpacked", `${each.name}_${each.sha256.slice(0, 16)}`);
  if ((await stat(root).catch(() => null)) !== null) return root;
  const partial = `${root}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const done = await run("dpkg-deb", ["-x", deb, partial]);
  if (done.status !== 0)
    throw new RoomcastError(
      "bad-input",
      `${deb} does not unpack: ${lastLine(done.stderr)}`,
      "check the free space of the cache folder, remove the file and build again",
    );
  await rename(partial, root);
  return root;
}

/** Removes .deb files and unpacked packages that `current` does not name: kernels are large. */
export async function dropStale(apt: Apt, current: readonly UnpackedPackage[]): Promise<void> {
  const keep = new Set(current.flatMap((each) => [debName(each), each.root.split("/").at(-1)]));
  for (const folder of ["debs", "unpacked"]) {
    const parent = join(apt.cacheFolder, folder);
    for (const name of await readdir(parent))
      if (!keep.has(name)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** apt-get writes the epoch's colon as %3a. */
const debName = (each: DebianPackage): string =>
  `${each.name}_${each.version.replaceAll(":", "%3a")}_${each.architecture}.deb`;

async function sha256Of(file: string): Promise<string | null> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return hash.digest("hex");
}

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell, in the C locale. Throws when it is not there. */
export async function run(
  program: string,
  parameters: readonly string[],
  {
    folder,
    libraries = [],
  }: { readonly folder?: string; readonly libraries?: readonly string[] } = {},
): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = spawn(
    "env",
    [
      "LC_ALL=C",
      "DEBIAN_FRONTEND=noninteractive",
      ...(libraries.length === 0 ? [] : [`LD_LIBRARY_PATH=${libraries.join(":")}`]),
      program,
      ...parameters,
    ],
    {
      ...(folder === undefined ? {} : { cwd: folder }),
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => stdout.push(part));
  child.stderr.on("data", (part: Buffer) => stderr.push(part));
  child.on("error", (cause) =>
    reject(
      new RoomcastError(
        "failed",
        `${program} cannot be run: ${cause.message}`,
        "the boot image is built on Debian, with apt and dpkg",
        { cause },
      ),
    ),
  );
  child.on("close", (code) =>
    resolve({
      status: code ?? 1,
      stdout: Buffer.concat(stdout).toString("utf8"),
      stderr: Buffer.concat(stderr).toString("utf8"),
    }),
  );
  return promise;
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
