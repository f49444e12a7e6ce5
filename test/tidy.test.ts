/** The house's rules that a compiler does not hold: who imports whom, and where the clock and chance come from. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const sources = globSync("{core,server,initrd,test}/**/*.ts", { cwd: root });

/** The folders of `core/` from the lowest up: each may import those before it. */
const layers = ["units", "wire", "image", "boot", "cast", "session", "screen", "node"];

interface Import {
  readonly from: string;
  readonly to: string;
}

const imports: Import[] = sources.flatMap((from) => {
  const text = readFileSync(join(root, from), "utf8");
  return [...text.matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
    ([, fixed, dynamic]) => {
      const to = fixed ?? dynamic ?? "";
      return { from, to: to.startsWith(".") ? relative(root, join(root, dirname(from), to)) : to };
    },
  );
});

const broken = (rule: (each: Import) => boolean): string[] =>
  imports.filter((each) => !rule(each)).map(({ from, to }) => `${from} imports ${to}`);

const isCore = (path: string): boolean => path.startsWith("core/");
const isInside = (path: string): boolean => /^(core|server|initrd|test)\//.test(path);

test("the tree is found", () => {
  assert(sources.length > 40);
  assert(imports.length > 100);
});

test("core imports no platform and no package, but core/node, and typebox in core/wire", () => {
  assert.deepEqual(
    broken(
      ({ from, to }) =>
        !isCore(from) ||
        from.startsWith("core/node/") ||
        isCore(to) ||
        (from.startsWith("core/wire/") && /^typebox(\/|$)/.test(to)),
    ),
    [],
  );
});

test("inside core, each layer imports only what is below it", () => {
  const layerOf = (path: string): number => layers.indexOf(path.split("/")[1] ?? "");
  assert.deepEqual(
    broken(({ from, to }) => {
      const [upper, lower] = [layerOf(from), layerOf(to)];
      return !isCore(from) || !isCore(to) || lower < 0 || upper < 0 || lower <= upper;
    }),
    [],
  );
  const unknown = sources.filter(
    (path) => isCore(path) && path.split("/").length > 2 && layerOf(path) < 0,
  );
  assert.deepEqual(unknown, [], "a folder of core that the table of layers does not name");
});

test("server and initrd do not know each other, and nobody knows the tests", () => {
  assert.deepEqual(
    broken(
      ({ from, to }) =>
        !(from.startsWith("server/") && to.startsWith("initrd/")) ||
        // `roomcast agent` is the agent itself; an import is a capture, and an export onto a disk a
        // restore, of the machine that the command runs on.
        from === "server/cli/agent.ts" ||
        (from.startsWith("server/transfer/") && to.startsWith("initrd/agent/")),
    ),
    [],
  );
  assert.deepEqual(
    broken(({ from, to }) => !(from.startsWith("initrd/") && to.startsWith("server/"))),
    [],
  );
  assert.deepEqual(
    broken(({ from, to }) => from.startsWith("test/") || !to.startsWith("test/")),
    [],
  );
});

test("the screens know an API and nothing of the store, the rooms or the network", () => {
  assert.deepEqual(
    broken(({ from, to }) => {
      if (!from.startsWith("server/console/") || !isInside(to)) return true;
      return isCore(to) || to.startsWith("server/console/") || to.startsWith("server/api/");
    }),
    [],
  );
  assert.deepEqual(
    broken(
      ({ from, to }) =>
        !from.startsWith("initrd/menu/") ||
        !isInside(to) ||
        isCore(to) ||
        to.startsWith("initrd/menu/"),
    ),
    [],
  );
});

test("machines take time and chance as parameters", () => {
  const offenders = sources.filter(
    (path) =>
      isCore(path) &&
      !path.startsWith("core/node/") &&
      /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval)\b/.test(
        readFileSync(join(root, path), "utf8"),
      ),
  );
  assert.deepEqual(offenders, []);
});

test("bytes are copied by a constructor: the slice() of a Buffer is no copy", () => {
  const offenders = sources.filter(
    (path) =>
      !path.startsWith("test/") && /\.slice\(\)/.test(readFileSync(join(root, path), "utf8")),
  );
  assert.deepEqual(offenders, []);
});

test("only main files read the process's arguments and environment", () => {
  const offenders = sources.filter(
    (path) =>
      !path.startsWith("test/") &&
      !/(^|\/)main\.ts$/.test(path) &&
      /\bprocess\.(argv|env)\b/.test(readFileSync(join(root, path), "utf8")),
  );
  assert.deepEqual(offenders, []);
});
