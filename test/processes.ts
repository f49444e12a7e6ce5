/**
 * Which test files share a process. Node's start and the modules that a file imports take 0.2 to 0.9 s of a
 * processor, which is most of what most files take; neighbours import the same.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { begunFirst } from "./begun-first.ts";

/**
 * Of their files, all that are not `apart` share. The others have disks, databases, sockets or PCs under way, and
 * their starts are little of what they take.
 */
const sharing = [
  ...["core", "client/api", "client/cli", "client/console", "initrd", "security"],
  ...["server/api", "server/backup", "server/doctor", "server/gate", "server/host", "server/lab"],
  ...["server/setup", "server/state", "server/store"],
];

/** They change what is the process's own, measure what it takes, or have a database of their own. */
export const apart: readonly string[] = [
  "test/client/console/load.test.ts",
  "test/core/node/chunk-calls.test.ts",
  "test/core/node/while-away.test.ts",
  "test/security/campus.test.ts",
  "test/security/imports.test.ts",
  "test/security/installs.test.ts",
  "test/security/strangers.test.ts",
  "test/server/gate/stalled.test.ts",
];

/** More would make one long process of what several processors could do. */
const filesAtMost = 8;

export interface TestProcess {
  /** What Node starts. */
  readonly path: string;
  readonly files: readonly string[];
}

/** In the order in which they are begun. The repository is the working folder; `folder`: for what starts several files. */
export function processesOf(given: readonly string[], folder: string): TestProcess[] {
  const files = given.map((file) => relative("", file));
  const isShared = (file: string): boolean =>
    sharing.some((name) => file.startsWith(`test/${name}/`)) &&
    !apart.includes(file) &&
    !begunFirst.includes(file);
  const alone = (file: string): TestProcess => ({ path: file, files: [file] });
  const shared = files.filter(isShared).sort();
  const count = Math.ceil(shared.length / filesAtMost);
  const groups = Array.from({ length: count }, (_, at) =>
    shared.slice(
      Math.floor((at * shared.length) / count),
      Math.floor(((at + 1) * shared.length) / count),
    ),
  );
  const others = files.filter((file) => !isShared(file) && !begunFirst.includes(file));
  return [
    ...begunFirst.filter((file) => files.includes(file)).map(alone),
    ...mixed(
      others.map(alone),
      // Those of the server take longest, and come last by their paths.
      groups.map((group, at) => startOf(group, join(folder, `${at + 1}.mjs`))).reverse(),
    ),
  ];
}

/** What waits for disks and sockets beside what computes, as far as there is of both. */
function mixed(...kinds: (readonly TestProcess[])[]): TestProcess[] {
  return kinds
    .flatMap((kind) => kind.map((each, at) => ({ each, place: (at + 0.5) / kind.length })))
    .sort((one, other) => one.place - other.place)
    .map(({ each }) => each);
}

function startOf(files: readonly string[], path: string): TestProcess {
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0) return { path: only, files };
  mkdirSync(join(path, ".."), { recursive: true });
  // Each is a suite by its own path, which holds its hooks, too.
  const lines = files.map(
    (file) => `suite(${JSON.stringify(file)}, () => import(${JSON.stringify(resolve(file))}));\n`,
  );
  writeFileSync(path, `import { suite } from "node:test";\n${lines.join("")}`);
  return { path: relative("", path), files };
}
