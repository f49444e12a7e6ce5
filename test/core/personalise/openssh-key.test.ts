import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeEd25519 } from "../../../core/personalise/openssh-key.ts";

test("ssh-keygen reads a key of ours, with its comment, whatever the comment's length", () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-key-"));
  try {
    for (let length = 1; length < 12; length++) {
      const pair = generateKeyPairSync("ed25519");
      const { d = "", x = "" } = pair.privateKey.export({ format: "jwk" });
      const comment = "c".repeat(length);
      const key = encodeEd25519({
        ...{ seed: Buffer.from(d, "base64url"), publicKey: Buffer.from(x, "base64url") },
        ...{ comment, check: 0xffff_fff0 + length },
      });
      const file = join(folder, `key${length}`);
      writeFileSync(file, key.privateKey, { mode: 0o600 });
      const keygen = (...args: string[]) => execFileSync("ssh-keygen", args, { encoding: "utf8" });
      assert.equal(keygen("-y", "-P", "", "-f", file).trim(), key.publicKey.trim());
      assert.equal(key.publicKey, `ssh-ed25519 ${key.publicKey.split(" ")[1]} ${comment}\n`);
      const der = createPublicKey(pair.privateKey).export({ format: "der", type: "spki" });
      const blob = Buffer.from(key.publicKey.split(" ")[1] ?? "", "base64");
      assert(blob.subarray(-32).equals(der.subarray(-32)), "it is the key that it was made of");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
