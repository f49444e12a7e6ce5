import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { windowsSettings } from "../../../server/lab/windows-settings.ts";

async function withFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-windows-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const pc = { room: "lab1", name: "lab1-a3", maySecrets: true };
const none = {
  ...{ locale: null, timeZone: null, joinBlob: null, firstLogon: null },
  isJoinWithheld: false,
};

test("a room without files has no settings", async () => {
  await withFiles({ "lab2/first-logon.cmd": "x" }, async (folder) => {
    assert.deepEqual(await windowsSettings(folder, pc), none);
    assert.deepEqual(await windowsSettings(join(folder, "nothing"), pc), none);
  });
});

test("settings, script and the PC's own blob are read, and the blob in djoin's encoding", async () => {
  const files = {
    "lab1/settings.toml": 'locale = "de-DE"\ntimeZone = "W. Europe Standard Time"\n',
    "lab1/first-logon.cmd": Buffer.from("net user Sch\u0081ler /add\r\n", "latin1"),
    "lab1/join/LAB1-A3.blob": Buffer.from("\ufeffQUJD+/==\r\n\0", "utf16le"),
    "lab1/join/lab1-a4.blob": "REVG",
  };
  await withFiles(files, async (folder) => {
    assert.deepEqual(await windowsSettings(folder, pc), {
      ...{ locale: "de-DE", timeZone: "W. Europe Standard Time" },
      ...{ joinBlob: "QUJD+/==", isJoinWithheld: false },
      firstLogon: "net user Sch\u0081ler /add\r\n",
    });
    const other = await windowsSettings(folder, { ...pc, room: "LAB1", name: "lab1-a4" });
    assert.equal(other.joinBlob, "REVG");
  });
});

test("a PC that may have no secrets is not given its blob, and it is said that there is one", async () => {
  await withFiles({ "lab1/join/lab1-a3.blob": "QUJD" }, async (folder) => {
    const settings = await windowsSettings(folder, { ...pc, maySecrets: false });
    assert.deepEqual(settings, { ...none, isJoinWithheld: true });
    const other = await windowsSettings(folder, { ...pc, name: "b", maySecrets: false });
    assert.deepEqual(other, none);
  });
});

test("a name never leads out of the folder", async () => {
  const files = { "lab1/join/x": "", "secret.blob": "QUJD", "lab1/secret.blob": "QUJD" };
  await withFiles(files, async (folder) => {
    for (const name of ["../secret", "../../secret"])
      assert.deepEqual(await windowsSettings(folder, { ...pc, name }), none);
    for (const room of ["..", ".", "lab1/join"])
      assert.deepEqual(await windowsSettings(join(folder, "lab1"), { ...pc, room }), none);
  });
});

test("a file that is wrong is named", async () => {
  const cases: Record<string, string>[] = [
    { "lab1/settings.toml": "locale = 1" },
    { "lab1/settings.toml": "locale" },
    { "lab1/settings.toml": 'locle = "de-DE"' },
    { "lab1/join/lab1-a3.blob": "no base64!" },
    { "lab1/join/lab1-a3.blob": "" },
    { "lab1/first-logon.cmd": "x".repeat(300_000) },
  ];
  for (const files of cases) {
    await withFiles(files, async (folder) => {
      await assert.rejects(windowsSettings(folder, pc), { code: "bad-input", message: /lab1/ });
    });
  }
});
