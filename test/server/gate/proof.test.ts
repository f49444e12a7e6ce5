/** What a login is refused for: each thing that a stranger, a relay or an old recording could try. */
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { loginCode } from "../../../core/node/login.ts";
import type { Prover } from "../../../core/trust/prover.ts";
import { p256Spki } from "../../../core/trust/spki.ts";
import type { Proof } from "../../../core/wire/login.ts";
import { fileProver, memoryProver } from "../../../initrd/agent/keys.ts";
import type { Channel } from "../../../server/gate/channel.ts";
import { LoginCheck } from "../../../server/gate/proof.ts";
import { hello } from "../lab/hello.ts";
import { greetOf, newNonce, proofOf } from "./login.ts";

const channel: Channel = {
  exporter: new Uint8Array(32).fill(1),
  serverSpki: memoryProver().spki,
};
const pc = hello("52:54:00:00:00:01", "u1");

/** A TPM as the server sees it: a quote of its own making over the digest, and its signature. */
function tpmProver(magic = 0xff544347): Prover {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    kind: "tpm",
    spki: publicKey.export({ type: "spki", format: "der" }),
    prove: async (digest) => {
      const quote = Buffer.concat([
        Buffer.from(magic.toString(16).padStart(8, "0"), "hex"),
        Buffer.from("80180000", "hex"),
        Buffer.of(0, digest.length),
        digest,
        Buffer.alloc(8 + 4 + 4 + 1 + 8),
        // A selection: SHA-256, three bytes, PCRs 0, 4, 7, 9, 11.
        Buffer.from("00000001000b03910a00", "hex"),
        Buffer.of(0, 32),
        Buffer.alloc(32, 0xab),
      ]);
      const signature = sign("sha256", quote, { key: privateKey, dsaEncoding: "ieee-p1363" });
      return { quote, signature };
    },
  };
}

interface Bend {
  readonly prover?: Prover;
  readonly exporter?: Uint8Array;
  readonly serverNonce?: string;
  readonly committed?: Uint8Array;
  readonly change?: (proof: Proof) => object;
}

async function login(bend: Bend = {}) {
  const check = new LoginCheck(() => channel);
  const pcNonce = newNonce();
  const greeted = check.greet(JSON.stringify(greetOf(bend.committed ?? pcNonce)));
  assert(greeted.ok);
  const { nonce } = greeted.value;
  const proof = await proofOf({
    prover: bend.prover ?? memoryProver(),
    hello: pc,
    exporter: bend.exporter ?? channel.exporter,
    serverNonce: bend.serverNonce ?? nonce,
    pcNonce,
  });
  const frame = JSON.stringify(bend.change?.(proof) ?? proof);
  return { check, frame, nonce, pcNonce, proof, proven: check.prove(frame) };
}

const faultOf = async (bend: Bend): Promise<string> => {
  const { proven } = await login(bend);
  return proven.ok ? "none" : proven.fault;
};

test("whoever has the key is let in, with its hello and the code that it shows too", async () => {
  const prover = memoryProver();
  const { proven, nonce, pcNonce } = await login({ prover });
  assert(proven.ok);
  assert.deepEqual(proven.value.hello, pc);
  assert.equal(proven.value.key.kind, "memory");
  assert.match(proven.value.key.fingerprint, /^sha256:[A-Za-z0-9+/]{43}=$/);
  assert.equal(proven.value.pcrDigest, null);
  const serverNonce = Buffer.from(nonce, "base64");
  const { serverSpki } = channel;
  assert.equal(
    proven.value.code,
    loginCode({ serverSpki, pcSpki: prover.spki, serverNonce, pcNonce }),
  );
});

test("a TPM proves itself by its quote, of which the registers are kept", async () => {
  const { proven } = await login({ prover: tpmProver() });
  assert(proven.ok);
  assert.deepEqual([proven.value.key.kind, proven.value.pcrDigest], ["tpm", "ab".repeat(32)]);
});

const other = new Uint8Array(32).fill(9);
const faults: readonly [string, Bend, string][] = [
  ["a proof from another connection, as by a relay", { exporter: other }, "signature"],
  [
    "a proof for an older nonce, as from a recording",
    { serverNonce: Buffer.from(other).toString("base64") },
    "signature",
  ],
  ["a nonce that was not committed to", { committed: other }, "commitment"],
  [
    "a hello that was changed on the way",
    { change: (proof) => ({ ...proof, hello: proof.hello.replace("u1", "u2") }) },
    "signature",
  ],
  [
    "another's key",
    {
      change: (proof) => ({ ...proof, spki: Buffer.from(memoryProver().spki).toString("base64") }),
    },
    "signature",
  ],
  ["another kind of key", { change: (proof) => ({ ...proof, kind: "file" }) }, "signature"],
  ["a TPM without a quote", { change: (proof) => ({ ...proof, kind: "tpm" }) }, "quote"],
  ["a quote of another connection", { prover: tpmProver(), exporter: other }, "quote"],
  ["a quote that no TPM makes", { prover: tpmProver(0x12345678) }, "quote"],
  [
    "a quote beside a key in memory",
    { prover: tpmProver(), change: (proof) => ({ ...proof, kind: "memory" }) },
    "quote",
  ],
  [
    "a quote whose registers were changed",
    {
      prover: tpmProver(),
      change: (proof) => {
        const quote = Buffer.from(proof.quote ?? "", "base64");
        quote[quote.length - 1] = 1;
        return { ...proof, quote: quote.toString("base64") };
      },
    },
    "signature",
  ],
  [
    "a key that is no point of the curve",
    {
      change: (proof) => ({
        ...proof,
        spki: Buffer.from(p256Spki(new Uint8Array(32).fill(4), new Uint8Array(32))).toString(
          "base64",
        ),
      }),
    },
    "key",
  ],
  [
    "a key in another form",
    { change: (proof) => ({ ...proof, spki: Buffer.alloc(91, 4).toString("base64") }) },
    "key",
  ],
  ["no proof at all", { change: () => ({ type: "alive" }) }, "proof"],
];

for (const [what, bend, fault] of faults)
  test(`${what} is refused: ${fault}`, async () => assert.equal(await faultOf(bend), fault));

test("a proof is good once, on its own connection", async () => {
  const { check, frame, proven } = await login();
  assert(proven.ok);
  const again = check.prove(frame);
  assert.equal(again.ok ? "" : again.fault, "repeated");
  const elsewhere = new LoginCheck(() => channel);
  const early = elsewhere.prove(frame);
  assert.equal(early.ok ? "" : early.fault, "commitment", "nothing was committed to there");
});

test("a recording of a whole login is worth nothing at the next one", async () => {
  const { frame, proof } = await login();
  const next = new LoginCheck(() => channel);
  assert(next.greet(JSON.stringify(greetOf(Buffer.from(proof.nonce, "base64")))).ok);
  const replayed = next.prove(frame);
  assert.equal(replayed.ok ? "" : replayed.fault, "signature");
});

test("a hello that breaks the schema is refused, though it is signed", async () => {
  const check = new LoginCheck(() => channel);
  const pcNonce = newNonce();
  const greeted = check.greet(JSON.stringify(greetOf(pcNonce)));
  assert(greeted.ok);
  const parts = { prover: memoryProver(), exporter: channel.exporter, pcNonce };
  const odd = { ...pc, disks: "none" } as unknown as typeof pc;
  const proof = await proofOf({ ...parts, hello: odd, serverNonce: greeted.value.nonce });
  const proven = check.prove(JSON.stringify(proof));
  assert(!proven.ok);
  assert.deepEqual([proven.fault, /^disks /.test(proven.reason)], ["hello", true]);
});

test("each challenge has a nonce of its own", () => {
  const nonces = new Set(
    Array.from({ length: 100 }, () => new LoginCheck(() => channel).challenge.nonce),
  );
  assert.equal(nonces.size, 100);
});

test("a proof with any field replaced by anything is refused or is the same", async () => {
  const { proof } = await login();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(proof)),
      fc.jsonValue(),
      async (field, value) => {
        const { proof: good, proven } = await login({
          change: (each) => ({ ...each, [field]: value }),
        });
        const isSame = JSON.stringify(value) === JSON.stringify(good[field as keyof Proof]);
        assert.equal(proven.ok, isSame);
      },
    ),
    { numRuns: 200 },
  );
});

test("a key file is made once, for its owner alone, and is the same key afterwards", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-keys-"));
  const path = join(folder, "agent", "a.key");
  const first = await fileProver(path);
  const second = await fileProver(path);
  assert.deepEqual(Buffer.from(second.spki), Buffer.from(first.spki));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(folder, "agent")), ["a.key"], "nothing is left beside it");
  assert.equal(await faultOf({ prover: second }), "none");
  chmodSync(path, 0o640);
  await assert.rejects(fileProver(path), /can be read by others/);
  const weak = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  for (const content of ["no key", weak.export({ type: "pkcs8", format: "pem" })]) {
    writeFileSync(path, content, { mode: 0o600 });
    chmodSync(path, 0o600);
    await assert.rejects(fileProver(path), /is no key of an agent/);
  }
  rmSync(folder, { recursive: true });
});
