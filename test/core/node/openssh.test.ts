/** Keys as OpenSSH writes and reads them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  isPrivateKey,
  mpint,
  newHostKey,
  privateKeyText,
  publicKeyText,
  readPublicKeys,
  type SshKeyPair,
} from "../../../core/node/openssh.ts";

/** What `ssh-keygen -t TYPE -N '' -C p-0a1b2c3d` of OpenSSH 9.2 wrote: keys of nobody, without their first and last lines. */
const golden = {
  "ssh-ed25519": `b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACD24275X/eROwSVKMhqK6lXY+/7KScai67PeCN3chU6MwAAAJDajYvs2o2L
7AAAAAtzc2gtZWQyNTUxOQAAACD24275X/eROwSVKMhqK6lXY+/7KScai67PeCN3chU6Mw
AAAECjb1h7+/YvBQJeh6EAWiJEleFugyA8VlqLKaKeN6q4j/bjbvlf95E7BJUoyGorqVdj
7/spJxqLrs94I3dyFTozAAAACnAtMGExYjJjM2QBAgM=`,
  "ecdsa-sha2-nistp256": `b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQSfzUXk6TCCJcMY1nUV/WCuHQxTUIjN
V1VX+db2OTBjPdjz+6S65NGNnYSJYZJv3l9tjd1jjmyqBhr22HHXXmy/AAAAqBQUSoEUFE
qBAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ/NReTpMIIlwxjW
dRX9YK4dDFNQiM1XVVf51vY5MGM92PP7pLrk0Y2dhIlhkm/eX22N3WOObKoGGvbYcddebL
8AAAAhAJi038k5d08AZx9ncSAH9wlzwDKCP6LIOTiv1GDDDXiWAAAACnAtMGExYjJjM2QB
AgMEBQ==`,
} as const;
const comment = "p-0a1b2c3d";
const [begin, end] = ["BEGIN", "END"].map((word) => `-----${word} OPENSSH PRIVATE KEY-----`);
const fileOf = (lines: string): string => `${begin}\n${lines}\n${end}\n`;

/** The strings in the private part of such a file, behind its two check numbers. */
function privatePart(lines: string): { check: number; strings: Buffer[] } {
  const whole = Buffer.from(lines, "base64");
  const strings = (bytes: Buffer, from: number, count: number): Buffer[] => {
    const found: Buffer[] = [];
    for (let at = from; found.length < count; ) {
      const length = bytes.readUInt32BE(at);
      found.push(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    return found;
  };
  const header = "openssh-key-v1\0".length;
  const [cipher, kdf, options] = strings(whole, header, 3).map(String);
  assert.deepEqual([cipher, kdf, options], ["none", "none", ""]);
  const [, part] = strings(whole, header + 8 + 8 + 4 + 4, 2);
  assert(part !== undefined);
  const count = part.includes("nistp256") ? 5 : 4;
  return { check: part.readUInt32BE(0), strings: strings(part, 8, count) };
}

for (const [type, lines] of Object.entries(golden)) {
  test(`a private key of ${type}, byte for byte as ssh-keygen writes it`, () => {
    const { check, strings } = privatePart(lines);
    const [named, ...fields] = strings;
    assert.deepEqual([String(named), String(fields.pop())], [type, comment]);
    const pair: SshKeyPair = {
      type: type as SshKeyPair["type"],
      publicFields: fields.slice(0, -1),
      privateFields: fields,
    };
    assert.equal(privateKeyText(pair, comment, check), fileOf(lines));
  });
}

test("ssh-keygen reads new host keys, and says the public key that goes with each", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-openssh-"));
  try {
    const types = ["ed25519", "ecdsa", "rsa"] as const;
    const made = await Promise.all([...types, ...types].map((type) => newHostKey(type, "p-1")));
    for (const [number, key] of made.entries()) {
      const path = join(folder, `key${number}`);
      writeFileSync(path, key.privateKey, { mode: 0o600 });
      assert.equal(String(execFileSync("ssh-keygen", ["-y", "-P", "", "-f", path])), key.publicKey);
      writeFileSync(`${path}.pub`, key.publicKey);
      const listed = String(execFileSync("ssh-keygen", ["-l", "-f", `${path}.pub`]));
      const read = readPublicKeys(key.publicKey);
      assert(read.ok && listed.includes(` ${read.value[0]?.fingerprint} `), listed);
    }
    assert.equal(new Set(made.map(({ privateKey }) => privateKey)).size, 6);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("ssh-keygen reads a key with its comment, whatever the comment's length", () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-openssh-"));
  try {
    for (let length = 1; length < 12; length++) {
      const made = generateKeyPairSync("ed25519");
      const { d = "", x = "" } = made.privateKey.export({ format: "jwk" });
      const [seed, point] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
      const pair: SshKeyPair = {
        ...{ type: "ssh-ed25519", publicFields: [point] },
        privateFields: [point, Buffer.concat([seed, point])],
      };
      const comment = "c".repeat(length);
      const publicKey = publicKeyText(pair, comment);
      const path = join(folder, `key${length}`);
      writeFileSync(path, privateKeyText(pair, comment, 0xffff_fff0 + length), { mode: 0o600 });
      const said = String(execFileSync("ssh-keygen", ["-y", "-P", "", "-f", path]));
      assert.equal(said.trim(), publicKey.trim());
      assert.equal(publicKey, `ssh-ed25519 ${publicKey.split(" ")[1]} ${comment}\n`);
      const der = createPublicKey(made.privateKey).export({ format: "der", type: "spki" });
      const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
      assert(blob.subarray(-32).equals(der.subarray(-32)), "it is the key that it was made of");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a number has a zero before a high bit, and none else", () => {
  const of = (...bytes: number[]) => [...mpint(Uint8Array.from(bytes))];
  assert.deepEqual(
    [of(0, 0, 1, 2), of(0, 128), of(127, 0)],
    [
      [1, 2],
      [0, 128],
      [127, 0],
    ],
  );
});

const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbjbvlf95E7BJUoyGorqVdj7/spJxqLrs94I3dyFToz";

test("public keys: of every type that is taken, with and without a comment", () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-openssh-"));
  try {
    const types = [
      ["rsa", "2048"],
      ["ecdsa", "256"],
      ["ecdsa", "384"],
      ["ecdsa", "521"],
      ["ed25519", "256"],
    ];
    for (const [type = "", bits = ""] of types) {
      const path = join(folder, type + bits);
      execFileSync("ssh-keygen", [
        "-q",
        "-t",
        type,
        "-b",
        bits,
        "-N",
        "",
        "-C",
        "ann@desk",
        "-f",
        path,
      ]);
      const text = String(execFileSync("cat", [`${path}.pub`]));
      const read = readPublicKeys(text);
      assert(read.ok, JSON.stringify(read));
      const [key] = read.value;
      assert.deepEqual([`${key?.text}\n`, key?.comment], [text, "ann@desk"]);
      assert.equal(isPrivateKey(text), false);
      assert.equal(isPrivateKey(String(execFileSync("cat", [path]))), true);
      execFileSync("ssh-keygen", ["-p", "-q", "-m", "PEM", "-P", "", "-N", "", "-f", path]);
      assert.equal(isPrivateKey(String(execFileSync("cat", [path]))), true, "in PEM");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const read = readPublicKeys(`# two of them\r\n\r\n${line}\r\n  ${line}   ann and  bert \n`);
  assert(read.ok);
  assert.deepEqual(
    read.value.map(({ text }) => text),
    [line, `${line}   ann and  bert`.replace("   ", " ")],
  );
});

test("what is no public key is refused, and told why", () => {
  const blob = line.split(" ")[1] ?? "";
  const cases: readonly [string, RegExp][] = [
    ["", /no key in it/],
    ["# nothing", /no key in it/],
    [`from="10.0.0.1" ${line}`, /no type of key/],
    [`ssh-dss ${blob}`, /no type of key/],
    [`ssh-rsa ${blob}`, /no key of the type ssh-rsa/],
    [`${line.slice(0, -4)}`, /no key of the type/],
    [`${line}AAAA`, /no key of the type/],
    [`${line}=`, /no base64/],
    [`ssh-ed25519 %%%`, /no base64/],
    ["ssh-ed25519", /no type of key/],
    [`${line} \u001b[2J`, /cannot be seen/],
    [`${line} ${"x".repeat(4096)}`, /more than 4096/],
    [`${line}\n`.repeat(17), /more than 16/],
    [`${line}\nhello world`, /key 2: /],
  ];
  for (const [text, reason] of cases) {
    const read = readPublicKeys(text);
    assert(!read.ok, text);
    assert.match(read.reason, reason);
  }
});
