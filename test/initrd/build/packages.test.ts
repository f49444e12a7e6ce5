/** Packages of a small archive that is made here, chosen and fetched by the host's apt. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { kernelRoot } from "../../../initrd/build/kernel.ts";
import {
  type Apt,
  dropStale,
  fetchPackages,
  hostApt,
  run,
  type UnpackedPackage,
} from "../../../initrd/build/packages.ts";

const top = mkdtempSync(join(tmpdir(), "roomcast-packages-"));
after(() => rmSync(top, { recursive: true }));

const archive = join(top, "archive");
const log = (): void => {};
let apt: Apt;

/** Puts a package with one file, /NAME, into the archive, and answers its entry in the archive's list. */
function put(name: string, version: string, depends = ""): string {
  const root = join(top, "package");
  mkdirSync(join(root, "DEBIAN"), { recursive: true });
  const control =
    `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: nobody <n@example.org>\n` +
    (depends === "" ? "" : `Depends: ${depends}\n`) +
    "Description: a test\n";
  writeFileSync(join(root, "DEBIAN/control"), control);
  writeFileSync(join(root, name), `${name} ${version}\n`);
  const file = `${name}_${version.replaceAll(":", "%3a")}_amd64.deb`;
  execFileSync("dpkg-deb", ["--root-owner-group", "-b", root, join(archive, file)]);
  rmSync(root, { recursive: true });
  const data = readFileSync(join(archive, file));
  const sha256 = createHash("sha256").update(data).digest("hex");
  return `${control}Filename: ./${file}\nSize: ${data.length}\nSHA256: ${sha256}\n`;
}

async function list(...entries: readonly string[]): Promise<void> {
  writeFileSync(join(archive, "Packages"), entries.join("\n"));
  execFileSync("apt-get", [...apt.options, "-qq", "update"], { stdio: "pipe" });
}

beforeEach(async () => {
  const work = mkdtempSync(join(top, "work-"));
  rmSync(archive, { recursive: true, force: true });
  mkdirSync(archive);
  mkdirSync(join(work, "lists", "partial"), { recursive: true });
  writeFileSync(join(work, "sources.list"), `deb [trusted=yes] copy:${archive} ./\n`);
  const host = await hostApt(join(work, "cache"));
  const own = [`Dir::State::lists=${work}/lists`, `Dir::Etc::sourcelist=${work}/sources.list`];
  const options = [...own, "Dir::Etc::sourceparts=/dev/null"].flatMap((each) => ["-o", each]);
  apt = { ...host, options: [...host.options, ...options] };
});

const namesOf = (packages: readonly UnpackedPackage[]): string[] =>
  packages.map(({ name, version }) => `${name} ${version}`);

test("packages come with the libraries they depend on, optional ones if they are there", async () => {
  await list(
    put("tool", "1:2.0-1", "daemon, libone (>= 1), gone | libtwo"),
    put("daemon", "1"),
    put("libone", "1.5"),
    put("libtwo", "7"),
    put("firmware-there", "3"),
    put("unasked", "1"),
  );
  const optional = ["firmware-there", "firmware-not"];
  const packages = await fetchPackages(apt, ["tool"], { optional, log });
  assert.deepEqual(namesOf(packages), [
    "firmware-there 3",
    "libone 1.5",
    "libtwo 7",
    "tool 1:2.0-1",
  ]);
  for (const { name, version, root } of packages)
    assert.equal(readFileSync(join(root, name), "utf8"), `${name} ${version}\n`);
});

test("what is kept is not fetched again, and what is not named any more goes", async () => {
  await list(put("kept", "1"), put("dropped", "1"));
  const said: string[] = [];
  const noted = { log: (line: string) => void said.push(line) };
  await fetchPackages(apt, ["kept", "dropped"], noted);
  rmSync(join(archive, "kept_1_amd64.deb"));
  const packages = await fetchPackages(apt, ["kept"], noted);
  assert.deepEqual(said, ["fetching 2 packages"]);
  await dropStale(apt, packages);
  assert.deepEqual(readdirSync(join(apt.cacheFolder, "unpacked")), ["kept_1_amd64"]);
  assert.deepEqual(readdirSync(join(apt.cacheFolder, "debs")), ["kept_1_amd64.deb"]);
});

test("a package that apt does not know, cannot fetch, or that is not the one in its list", async () => {
  await list(put("there", "1"), put("away", "1"), put("changed", "1"));
  await assert.rejects(fetchPackages(apt, ["there", "not-there"], { log }), {
    code: "not-found",
    message: /Unable to locate package not-there/,
  });
  rmSync(join(archive, "away_1_amd64.deb"));
  await assert.rejects(fetchPackages(apt, ["away"], { log }), { code: "unreachable" });
  const file = join(archive, "changed_1_amd64.deb");
  const data = readFileSync(file);
  data[data.length - 1] = (data[data.length - 1] as number) ^ 1;
  writeFileSync(file, data);
  await assert.rejects(fetchPackages(apt, ["changed"], { log }), { code: "unreachable" });
});

test("programs: their status and words, and one that is not there", async () => {
  const ended = await run("sh", ["-c", "echo out; echo err >&2; exit 3"], { folder: top });
  assert.deepEqual(ended, { status: 3, stdout: "out\n", stderr: "err\n" });
  await assert.rejects(run("no-such-program", []), {
    code: "failed",
    message: /no-such-program cannot be run: .*No such file/,
  });
});

test("a kernel by its own package, and by the one that only names the current one", async () => {
  await list(put("linux-image-amd64", "6.1.5", "linux-image-6.1"), put("linux-image-6.1", "6.1.5"));
  for (const name of ["linux-image-amd64", "linux-image-6.1"]) {
    const root = kernelRoot(await fetchPackages(apt, [name], { log }), name);
    assert.deepEqual(readdirSync(root), ["linux-image-6.1"]);
  }
  assert.throws(() => kernelRoot([], "tool"), { code: "not-found" });
});
