/** The house's rules that a compiler does not hold: who imports whom, and where the clock and chance come from. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { begunFirst } from "./begun-first.ts";
import { apart } from "./processes.ts";

const root = join(import.meta.dirname, "..");
const sources = globSync("{core,imaging,server,client,initrd,package,test}/**/*.{ts,tsx}", {
  cwd: root,
});

/**
 * Who may import whom: each folder, and the folders below or beside it that it may import. `core` by
 * itself is `errors.ts` and `ports.ts`, which everybody may. A folder that is not here inherits from
 * the one above it.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: ["core/units"],
  "core/units": [],
  "core/wire": ["core/units"],
  "core/words": ["core/wire"],
  "core/image": ["core/units", "core/wire"],
  "core/trust": ["core/units", "core/wire"],
  "core/campus": ["core/units", "core/wire"],
  "core/personalise": ["core/units", "core/wire"],
  "core/boot": ["core/units", "core/wire", "core/image"],
  "core/cast": ["core/units", "core/wire", "core/image"],
  "core/agent": ["core/units", "core/wire"],
  "core/session": ["core/units", "core/wire", "core/trust", "core/image", "core/boot", "core/cast"],
  "core/screen": [
    ...["core/units", "core/wire", "core/image", "core/cast", "core/session"],
    ...["core/trust", "core/words"],
  ],
  "core/node": [
    ...["core/units", "core/wire", "core/image", "core/boot", "core/cast", "core/screen"],
    ...["core/trust", "core/words"],
  ],
  imaging: ["core"],
  "initrd/menu": ["core"],
  "initrd/agent": ["core", "imaging", "initrd/menu"],
  "initrd/build": ["core"],
  "initrd/secure-boot": ["core", "initrd/build"],
  "server/state": ["core"],
  "server/store": ["core"],
  "server/host": ["core"],
  "server/campus": ["core", "server/state", "server/store", "server/host"],
  "server/lab": ["core", "server/state", "server/store"],
  "server/gate": ["core", "server/lab", "server/state", "server/store", "server/host"],
  "server/doctor": ["core", "server/host"],
  "server/setup": ["core", "server/host", "server/gate"],
  "server/migrate": ["core", "server/store", "server/host", "server/campus"],
  "server/backup": ["core", "server/state", "server/store", "server/host"],
  "server/api": ["core", "server/lab", "server/state", "server/store"],
  server: ["core", "server"],
  "client/api": ["core"],
  "client/console": ["core", "client/api"],
  "client/page": ["core"],
  "client/transfer": ["core", "imaging", "client/api"],
  "client/cli": ["core", "client/api", "client/console", "client/transfer"],
  client: ["core", "client/cli"],
  package: ["core", "client/cli", "server/api", "server/host"],
};

/** The commands that are no client of a server: they run the server's and the agent's own code on this host. */
const exceptions: readonly (readonly [from: string, to: string])[] = [
  ["client/cli/host.ts", "server/"],
  ["client/cli/agent.ts", "initrd/agent/run.ts"],
];

interface Import {
  readonly from: string;
  readonly to: string;
}

const imports: Import[] = sources.flatMap((from) => {
  const text = readFileSync(join(root, from), "utf8");
  return [
    ...text.matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\(\s*"([^"]+)",?\s*\)/gm),
  ].map(([, fixed, dynamic]) => {
    const to = fixed ?? dynamic ?? "";
    return { from, to: to.startsWith(".") ? relative(root, join(root, dirname(from), to)) : to };
  });
});

const broken = (rule: (each: Import) => boolean): string[] =>
  imports.filter((each) => !rule(each)).map(({ from, to }) => `${from} imports ${to}`);

const isSource = (path: string): boolean =>
  /^(core|imaging|server|client|initrd|package)\/.*\.tsx?$/.test(path);
const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** The folder of the table that holds the file. */
function folderOf(path: string): string {
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    if (folder in mayImport) return folder;
  }
  throw new Error(`the table of imports does not name the folder of ${path}`);
}

test("the tree is found", () => {
  assert(sources.length > 40);
  assert(imports.length > 100);
});

test("each folder imports only what the table allows", () => {
  assert.deepEqual(
    broken(({ from, to }) => {
      if (!isSource(from) || !isSource(to)) return true;
      const folder = folderOf(from);
      if (/^core\/[^/]*$/.test(to) || folderOf(to) === folder) return true;
      if (mayImport[folder]?.some((allowed) => isBelow(to, allowed))) return true;
      return exceptions.some(([file, place]) => file === from && to.startsWith(place));
    }),
    [],
  );
});

test("the table of imports has no circle", () => {
  const reach = (folder: string, seen: readonly string[]): void => {
    assert(!seen.includes(folder), `a circle: ${[...seen, folder].join(" → ")}`);
    const allowed = mayImport[folder] ?? [];
    const targets = Object.keys(mayImport).filter(
      (other) =>
        other !== folder && allowed.some((each) => each === other || other.startsWith(`${each}/`)),
    );
    // What is above a folder stands for all that is below it, and so may import it.
    for (const target of targets) reach(target, [...seen, folder]);
  };
  for (const folder of Object.keys(mayImport)) if (folder.includes("/")) reach(folder, []);
});

test("no files import each other in a circle", () => {
  const targetsOf = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const follow = (file: string, way: readonly string[]): void => {
    const from = way.indexOf(file);
    assert(from < 0, `a circle: ${[...way.slice(from), file].join(" → ")}`);
    if (done.has(file)) return;
    for (const { to } of targetsOf.get(file) ?? []) if (isSource(to)) follow(to, [...way, file]);
    done.add(file);
  };
  for (const file of sources) if (isSource(file)) follow(file, []);
});

test("core imports no platform and no package, but core/node, and typebox in core/wire", () => {
  assert.deepEqual(
    broken(
      ({ from, to }) =>
        !isBelow(from, "core") ||
        isBelow(from, "core/node") ||
        isBelow(to, "core") ||
        (isBelow(from, "core/wire") && /^typebox(\/|$)/.test(to)),
    ),
    [],
  );
});

test("each test file that is begun first, or by itself, is there", () => {
  assert.deepEqual(
    [...begunFirst, ...apart].filter((path) => !existsSync(join(root, path))),
    [],
  );
});

test("nobody imports the tests", () => {
  assert.deepEqual(
    broken(({ from, to }) => isBelow(from, "test") || !isBelow(to, "test")),
    [],
  );
});

test("`roomcast serve` loads nothing of client/", () => {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const { from, to } of imports) if (from === file && isSource(to)) load(to);
  };
  load("server/main.ts");
  assert(loaded.size > 100);
  assert.deepEqual(
    [...loaded].filter((path) => isBelow(path, "client")),
    [],
  );
});

test("machines take time and chance as parameters", () => {
  const offenders = sources.filter(
    (path) =>
      isBelow(path, "core") &&
      !isBelow(path, "core/node") &&
      /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval)\b/.test(
        readFileSync(join(root, path), "utf8"),
      ),
  );
  assert.deepEqual(offenders, []);
});

test("the lab's time comes from one place", () => {
  const offenders = sources.filter(
    (path) =>
      isBelow(path, "server/lab") &&
      path !== "server/lab/timers.ts" &&
      /\b(Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval|setImmediate)\b/.test(
        readFileSync(join(root, path), "utf8"),
      ),
  );
  assert.deepEqual(offenders, []);
});

test("bytes are copied by a constructor: the slice() of a Buffer is no copy", () => {
  const offenders = sources.filter(
    (path) => !isBelow(path, "test") && /\.slice\(\)/.test(readFileSync(join(root, path), "utf8")),
  );
  assert.deepEqual(offenders, []);
});

test("only main files read the process's arguments and environment", () => {
  const offenders = sources.filter(
    (path) =>
      !isBelow(path, "test") &&
      !/(^|\/)main\.ts$/.test(path) &&
      /\bprocess\.(argv|env)\b/.test(readFileSync(join(root, path), "utf8")),
  );
  assert.deepEqual(offenders, []);
});
