/** The site's boot image, made by the real tools of small files, read back and checked by sbverify. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { secureBootFiles } from "../../../core/boot/secure-boot.ts";
import { readPeLayout, readPeSection } from "../../../core/node/pe-file.ts";
import { enrolmentSteps, fingerprintOf } from "../../../initrd/secure-boot/enrolment.ts";
import { makeSecureBootImage, stickFolder, stubFile } from "../../../initrd/secure-boot/image.ts";
import { secureBootChecks } from "../../../server/doctor/secure-boot-checks.ts";
import { GateKeys } from "../../../server/gate/keys.ts";

const main = join(import.meta.dirname, "..", "..", "..", "initrd", "secure-boot", "main.ts");
const serverUrl = "http://10.77.0.1:8080";
const kernel = Buffer.alloc(300_001, 7);
let folder: string;
let boot: string;
let data: string;
let gatePin: string;

const make = (keyFolder = join(folder, "keys")) =>
  makeSecureBootImage({
    server: { serverUrl, gate: { url: "https://10.77.0.1:8443", pins: [gatePin] } },
    kernelArguments: ["nomodeset"],
    bootFolder: boot,
    keyFolder,
    log: () => {},
  });
const examine = (hasOwnImage = true) =>
  secureBootChecks({ dataFolder: data, bootFolder: boot, server: { hasOwnImage } });
const isSigned = (file: string, certificate: string): boolean =>
  spawnSync("sbverify", ["--cert", certificate, join(boot, file)]).status === 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-secure-boot-"));
  boot = join(folder, "boot");
  data = join(folder, "data");
  for (const path of [boot, data]) await mkdir(path);
  await writeFile(join(boot, "vmlinuz"), kernel);
  await writeFile(join(boot, "initrd.img"), "the initrd, ");
  await writeFile(join(boot, "drivers.img"), "and drivers");
  const files: Record<string, { sha256: string }> = {};
  for (const name of ["vmlinuz", "initrd.img", "drivers.img"]) {
    const { stdout } = spawnSync("sha256sum", [join(boot, name)], { encoding: "utf8" });
    files[name] = { sha256: stdout.slice(0, 64) };
  }
  await writeFile(join(boot, "versions.json"), JSON.stringify({ files }));
  for (const name of ["localboot.efi", "shimx64.efi", "mmx64.efi"])
    await writeFile(join(boot, name), await readFile(stubFile));
  gatePin = (await GateKeys.open(data)).current.pin;
});
after(() => rm(folder, { recursive: true }));

test("no image, nothing to find", async () => {
  assert.deepEqual(await examine(), []);
});

test("kernel, initrd and boot line are in the image as they were, one behind the other in memory", async () => {
  const { certificate } = await make();
  const image = join(boot, secureBootFiles.image);
  const read = async (name: string) => Buffer.from((await readPeSection(image, name)) ?? []);
  assert.equal(
    String(await read(".cmdline")),
    `roomcast.gate=https://10.77.0.1:8443 roomcast.key=${gatePin} roomcast.server=${serverUrl} quiet loglevel=3 nomodeset`,
  );
  assert((await read(".linux")).equals(kernel));
  assert.equal(String(await read(".initrd")), "the initrd, and drivers");
  // By an independent reader.
  const { stdout } = spawnSync("objdump", ["-h", image], { encoding: "utf8" });
  const sections = [...stdout.matchAll(/^ +\d+ (\S+) +([0-9a-f]+) +([0-9a-f]+) /gm)].map(
    ([, name, size, address]) => ({
      name,
      start: Number.parseInt(address as string, 16),
      end: Number.parseInt(address as string, 16) + Number.parseInt(size as string, 16),
    }),
  );
  assert.deepEqual(
    sections.slice(-4).map(({ name }) => name),
    [".osrel", ".cmdline", ".linux", ".initrd"],
  );
  const { alignment, endAddress } = await readPeLayout(image);
  for (const [index, { name, start }] of sections.slice(-4).entries()) {
    const before = sections[sections.length - 5 + index];
    assert(start >= (before?.end ?? 0), `${name} begins after ${before?.name}`);
    assert.equal(start % alignment, 0, name);
  }
  assert(endAddress >= (sections.at(-1)?.end ?? 0));
  for (const file of [secureBootFiles.image, secureBootFiles.localDisk, secureBootFiles.shim])
    assert(isSigned(file, certificate), file);
});

test("a changed byte of the boot line, and the key of another site, are noticed", async () => {
  const { certificate } = await make();
  const image = join(boot, secureBootFiles.image);
  const bytes = await readFile(image);
  const at = bytes.indexOf(serverUrl);
  await writeFile(image, bytes.fill("6", at + 15, at + 16));
  assert(!isSigned(secureBootFiles.image, certificate));
  const { certificate: another } = await make(join(folder, "another"));
  assert(isSigned(secureBootFiles.image, another));
  assert(!isSigned(secureBootFiles.image, certificate));
});

test("the key is made once, and is its owner's alone; a folder that is open is refused", async () => {
  const keys = join(folder, "keys");
  await make();
  const key = await readFile(join(keys, "site.key"));
  await make();
  assert(key.equals(await readFile(join(keys, "site.key"))));
  assert.equal((await stat(join(keys, "site.key"))).mode & 0o777, 0o600);
  assert.equal((await stat(keys)).mode & 0o777, 0o700);
  await chmod(keys, 0o750);
  await assert.rejects(make(), { code: "refused" });
  await chmod(keys, 0o700);
});

test("what a person has to do, with the fingerprint, and a stick that has all of it", async () => {
  const { certificate } = await make();
  const fingerprint = await fingerprintOf(certificate);
  assert.match(fingerprint, /^([0-9A-F]{2} ){19}[0-9A-F]{2}$/);
  const steps = enrolmentSteps({ server: serverUrl, stick: join(boot, stickFolder), fingerprint });
  const text = steps.join("\n");
  assert.match(
    text,
    /wget http:\/\/10\.77\.0\.1:8080\/boot\/secure\/site\.cer && mokutil --import/,
  );
  assert(text.includes(fingerprint));
  assert(steps.every((line) => line.length <= 110 || line.includes(boot)));
  const loaders = join(boot, stickFolder, "EFI", "BOOT");
  for (const name of ["BOOTX64.EFI", "grubx64.efi", "mmx64.efi"])
    assert((await stat(join(loaders, name))).size > 0, name);
  assert((await stat(join(boot, stickFolder, "site.cer"))).size > 0);
});

test("doctor: it fits; it is not used; other boot files; another gate key", async () => {
  await make();
  const levels = async () => (await examine()).map(({ level }) => level);
  const [good] = await examine();
  assert.equal(good?.text, `it is for ${serverUrl}, and fits the gate key and the boot files`);
  assert.match((await examine(false))[0]?.text ?? "", /not used, as \[boot\] secureBootImage/);
  const versions = await readFile(join(boot, "versions.json"), "utf8");
  await writeFile(join(boot, "versions.json"), versions.replace(/"sha256":"./, '"sha256":"x'));
  assert.deepEqual(await levels(), ["warning"]);
  await writeFile(join(boot, "versions.json"), versions);
  const keys = await GateKeys.open(data);
  await keys.rotate();
  assert.match((await examine())[0]?.text ?? "", /lacks the gate's next key \(sha256:/);
  await keys.finish();
  const [bad] = await examine();
  assert.equal(bad?.level, "problem");
  assert.match(bad?.text ?? "", /another gate key .*refuse this server/);
  assert.equal(bad?.mend, `make secure-boot-image SERVER=${serverUrl}`);
  await writeFile(join(boot, secureBootFiles.image), "no program");
  assert.deepEqual(await levels(), ["problem"]);
});

test("the command: by the data folder's key, or says what is missing", async () => {
  const run = (...words: string[]) => {
    const places = ["--boot", boot, "--keys", join(folder, "keys"), "--data", data];
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...places, ...words], {
      encoding: "utf8",
    });
    return { status, said: `${stdout}${stderr}` };
  };
  const made = run("--server", serverUrl);
  assert.equal(made.status, 0, made.said);
  assert.match(made.said, /roomcast\.gate=https:\/\/10\.77\.0\.1:8443 roomcast\.key=sha256:/);
  assert.match(made.said, /two steps/);
  assert.equal((await examine())[0]?.level, "ok");
  await (await GateKeys.open(data)).rotate();
  assert.match(run("--server", serverUrl).said, /roomcast\.key=\S+ roomcast\.key=/);
  assert.equal((await examine())[0]?.level, "ok");
  assert.equal(run().status, 2);
  assert.match(run("--server", serverUrl, "--key", "sha256:short").said, /is no pin/);
  await rm(join(data, "gate.key"));
  const none = run("--server", serverUrl);
  assert.deepEqual([none.status, /start the server once/.test(none.said)], [2, true]);
});
