import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkBytes } from "../../../core/node/ed25519.ts";
import { SigningKeys } from "../../../server/gate/signing-keys.ts";
import { openDataFolder } from "../../../server/host/data-folder.ts";
import { sampleCertificate } from "../../core/trust/sample-certificate.ts";

const root = mkdtempSync(join(tmpdir(), "roomcast-signing-"));
after(() => rmSync(root, { recursive: true }));
const newFolder = (): string => mkdtempSync(join(root, "data-"));

test("the key is made once, is the owner's alone, and is the same after a restart", async () => {
  const folder = newFolder();
  const { key, earlier } = (await SigningKeys.open(folder)).view;
  assert.deepEqual(earlier, []);
  assert.equal(statSync(join(folder, "certificate.key")).mode & 0o777, 0o600);
  const again = await SigningKeys.open(folder);
  assert.equal(again.view.key, key);
  assert(checkBytes(Buffer.from(again.sign(sampleCertificate)), [key]).ok);
});

test("what an earlier key has signed stays checkable by the keys that are shown, after a restart too", async () => {
  const folder = newFolder();
  const keys = await SigningKeys.open(folder);
  const first = keys.view.key;
  const old = Buffer.from(keys.sign(sampleCertificate));
  await keys.renew();
  const second = keys.view.key;
  await keys.renew();
  for (const { view } of [keys, await SigningKeys.open(folder)]) {
    assert.deepEqual(view.earlier, [first, second]);
    assert(!view.earlier.includes(view.key));
    assert(checkBytes(old, [view.key, ...view.earlier]).ok);
    assert(!checkBytes(old, [view.key]).ok);
  }
  assert.equal(statSync(join(folder, "certificate-earlier.key")).mode & 0o777, 0o600);
  assert.deepEqual(await openDataFolder(folder), [], "both are known as the server's own");
});

test("a broken file is told with what to do, and no key takes its place", async () => {
  for (const name of ["certificate.key", "certificate-earlier.key"]) {
    const folder = newFolder();
    const pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    writeFileSync(join(folder, name), pem);
    await assert.rejects(SigningKeys.open(folder), { code: "bad-input", next: /backup/ });
  }
});
