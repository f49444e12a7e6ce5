/** Administrators' SSH keys on NTFS volumes; access lists are read by `ntfssecaudit`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tool } from "../../capture/disks.ts";
import {
  differing,
  filesOf,
  generalised,
  mounted,
  personal,
  personalise,
  windowsFiles,
  withVolume,
} from "./disks.ts";

const ann = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAnn ann";
const bert = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBert bert";
const path = "ProgramData/ssh/administrators_authorized_keys";
/** Of a master that wrote its comment in Latin-1. */
const own = Buffer.from(`# m\xfcller\r\n${bert}\r\n`, "latin1");
const settings =
  "Subsystem sftp sftp-server.exe\r\nMatch Group administrators\r\n       AuthorizedKeysFile __PROGRAMDATA__/ssh/administrators_authorized_keys\r\n";
const server = { "Windows/System32/OpenSSH/sshd.exe": "MZ" };
const withServer = { ...windowsFiles(), ...server, "ProgramData/ssh/sshd_config": settings };

const textIn = (device: string): string =>
  mounted(device, "ro", (root) => readFileSync(join(root, path), "latin1"));

/** Nobody but the system and the administrators is in its list, and nothing is inherited. */
function assertClosed(device: string): void {
  const audit = tool("ntfssecaudit", ["-vv", device, path]);
  assert.match(audit, /Windows owner S-1-5-32-544/);
  // It shows them in hexadecimal as well.
  const allowed = ["S-1-5-12", "S-1-5-18", "S-1-5-20-220", "S-1-5-32-544"];
  assert.deepEqual([...new Set(audit.match(/S-1-[0-9-]+/g))].sort(), allowed);
}

const stepOf = async (device: string, sshKeys: readonly string[] = [ann, bert]) => {
  const { steps } = await personalise(device, personal({ sshKeys: [...sshKeys] }));
  return steps.find(({ name }) => name === "Windows on partition 3: administrators' SSH keys");
};

test("keys are added for administrators alone, once, beside those that are there; also to a generalised one", async () => {
  const fresh = { ...withServer, "Windows/Setup/State/State.ini": generalised };
  for (const files of [withServer, { ...fresh, [path]: own }]) {
    await withVolume(files, async (device) => {
      const step = await stepOf(device);
      const windowsPath = `C:\\${path.replaceAll("/", "\\")}`;
      assert.deepEqual([step?.result, step?.files], ["done", [windowsPath]], step?.detail);
      const wanted = path in files ? `${own.toString("latin1")}${ann}\n` : `${ann}\n${bert}\n`;
      assert.equal(textIn(device), wanted);
      assertClosed(device);
      const once = filesOf(device);
      assert.deepEqual((await stepOf(device))?.files, []);
      assert.deepEqual(differing(once, filesOf(device)), []);
    });
  }
});

test("a file that has the keys and is open to others is closed", async () => {
  await withVolume({ ...withServer, [path]: `${ann}\n` }, async (device) => {
    assert.throws(() => assertClosed(device));
    const step = await stepOf(device, [ann]);
    assert.deepEqual([step?.result, step?.files], ["done", []]);
    assertClosed(device);
  });
});

test("what no key would be taken from is left, and said; without keys there is no step", async () => {
  const wide = Buffer.from(`\ufeff${ann}\r\n`, "utf16le");
  const cases: readonly [Record<string, string | Uint8Array>, RegExp][] = [
    [windowsFiles(), /has no OpenSSH server/],
    [{ ...windowsFiles(), ...server }, /never started on the master/],
    [
      { ...withServer, "ProgramData/ssh/sshd_config": settings.replace(" Auth", " #Auth") },
      /names no `administrators_authorized_keys`/,
    ],
    [{ ...withServer, [path]: wide }, /no text that OpenSSH reads/],
  ];
  for (const [files, said] of cases) {
    await withVolume(files, async (device) => {
      const step = await stepOf(device);
      assert.deepEqual([step?.result, step?.files], ["left", []]);
      assert.match(step?.detail ?? "", said);
      const kept = path in files ? wide : null;
      const is = mounted(device, "ro", (root) => {
        try {
          return readFileSync(join(root, path));
        } catch {
          return null;
        }
      });
      assert.deepEqual(is, kept);
    });
  }
  await withVolume(withServer, async (device) => assert.equal(await stepOf(device, []), undefined));
});
