/** A Debian package out of a list of files: the same list gives the same bytes. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { RoomcastError } from "../core/errors.ts";
import { said } from "./said.ts";

/** A file of a package, by its path without the first slash. */
export interface PackedFile {
  readonly path: string;
  readonly content:
    | { readonly from: string }
    | { readonly text: string | Uint8Array }
    | { readonly link: string };
  readonly isProgram?: boolean;
}

export interface DebPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: "amd64" | "all";
  readonly files: readonly PackedFile[];
  /** The fields of `control` beside those that follow from the rest, in their order. */
  readonly fields: Readonly<Record<string, string>>;
  /** `postinst`, `templates` and their like, by name. */
  readonly scripts: Readonly<Record<string, string>>;
}

export interface DebPlace {
  /** For the tree that is packed, meanwhile. */
  readonly workFolder: string;
  readonly outFolder: string;
  /** The time of every file, in seconds since 1970. */
  readonly epoch: number;
  /** Larger: for a package that is made to be looked at. */
  readonly quick: boolean;
}

/** Answers the path of the package that was made. */
export function makeDeb(
  deb: DebPackage,
  { workFolder, outFolder, epoch, quick }: DebPlace,
): string {
  const root = join(workFolder, deb.name);
  rmSync(root, { recursive: true, force: true });
  const tree = new Tree(root);
  const files = [...deb.files].sort((one, other) => (one.path < other.path ? -1 : 1));
  for (const file of files) tree.add(file);
  const sums = files.filter(({ content }) => !("link" in content));
  const control = Object.entries({
    Package: deb.name,
    Version: deb.version,
    Architecture: deb.architecture,
    "Installed-Size": String(installedKib(root, files)),
    ...deb.fields,
  });
  const meta: Record<string, string> = {
    control: control.map(([name, value]) => `${name}: ${value}\n`).join(""),
    md5sums: sums.map(({ path }) => `${md5(join(root, path))}  ${path}\n`).join(""),
    ...deb.scripts,
  };
  for (const [name, text] of Object.entries(meta))
    tree.add({ path: `DEBIAN/${name}`, content: { text }, isProgram: scriptNames.has(name) });
  tree.setTimes(epoch);
  mkdirSync(outFolder, { recursive: true });
  const path = join(outFolder, `${deb.name}_${deb.version}_${deb.architecture}.deb`);
  said(
    "dpkg-deb",
    ["--root-owner-group", ...(quick ? ["-Zgzip", "-z1"] : compression), "--build", root, path],
    {
      SOURCE_DATE_EPOCH: String(epoch),
    },
  );
  rmSync(root, { recursive: true });
  return path;
}

/** Most of what is packed is compressed already; a higher level takes minutes for some 3 %. */
const compression = ["-Zxz", "-z1"];

const scriptNames: ReadonlySet<string> = new Set([
  "preinst",
  "postinst",
  "prerm",
  "postrm",
  "config",
]);

/** Modes and times do not depend on whoever makes it. */
class Tree {
  private readonly root: string;
  private readonly made: string[] = [];
  private readonly folders = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  add({ path, content, isProgram = false }: PackedFile): void {
    const full = join(this.root, path);
    this.makeFolder(dirname(full));
    this.made.push(full);
    if ("link" in content) return symlinkSync(content.link, full);
    if ("text" in content) writeFileSync(full, content.text, { flag: "wx" });
    else copyFileSync(content.from, full);
    chmodSync(full, isProgram ? 0o755 : 0o644);
  }

  setTimes(epoch: number): void {
    // A folder after what is in it, whose making changes its time.
    for (const path of [...this.made, ...this.folders]) lutimesSync(path, epoch, epoch);
  }

  private makeFolder(path: string): void {
    if (this.folders.has(path)) return;
    if (path !== this.root) this.makeFolder(dirname(path));
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    this.folders.add(path);
  }
}

/** As dpkg-gencontrol counts it: each file in whole KiB. */
const installedKib = (root: string, files: readonly PackedFile[]): number =>
  files.reduce(
    (sum, { path, content }) =>
      sum + ("link" in content ? 1 : Math.ceil(statSync(join(root, path)).size / 1024)),
    0,
  );

const md5 = (path: string): string => createHash("md5").update(readFileSync(path)).digest("hex");

/** The time of the last commit, unless SOURCE_DATE_EPOCH says another. Throws `failed` where nobody knows. */
export function sourceEpoch(repository: string, given: string | undefined): number {
  const text = given ?? said("git", ["-C", repository, "log", "-1", "--format=%ct"]).trim();
  const epoch = Number(text);
  if (text !== "" && Number.isInteger(epoch) && epoch >= 0) return epoch;
  throw new RoomcastError(
    "usage",
    `SOURCE_DATE_EPOCH is ${JSON.stringify(text)}, which is not a time`,
    "give the seconds since 1970, or leave it away",
  );
}
