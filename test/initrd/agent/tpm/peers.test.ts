/** The PC's key in swtpm, beside tpm2-tools. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { bootPcrs, readQuote } from "../../../../core/trust/quote.ts";
import { type TpmProver, tpmProver } from "../../../../initrd/agent/tpm/prover.ts";
import { askSwtpm, type Swtpm, startSwtpm } from "../../../room/swtpm.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-tpm-"));
const socket = join(folder, "tpm.sock");
const powerOn = (): Promise<Swtpm> => startSwtpm("commands", join(folder, "state"), socket);
let swtpm: Swtpm;

before(async () => {
  swtpm = await powerOn();
});
after(async () => {
  await swtpm.stop();
  rmSync(folder, { recursive: true });
});

/** Cuts its power and puts it on again. */
async function restart(): Promise<void> {
  await swtpm.stop();
  swtpm = await powerOn();
}

const openKey = (say: (sentence: string) => void = () => {}): Promise<TpmProver> =>
  tpmProver(
    {
      transmit: (command) => askSwtpm(socket, command),
      async [Symbol.asyncDispose]() {},
    },
    say,
  );

async function spki(): Promise<string> {
  await using key = await openKey();
  return Buffer.from(key.spki).toString("hex");
}

/** Runs a program of tpm2-tools in the test's folder. */
async function tool(name: string, ...args: string[]): Promise<string> {
  const bridge = join(import.meta.dirname, "bridge.ts");
  const { stdout } = await promisify(execFile)(name, args, {
    cwd: folder,
    encoding: "utf8",
    timeout: 30_000,
    env: {
      ...process.env,
      NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
      TPM2TOOLS_TCTI: `cmd:${process.execPath} ${bridge} ${socket}`,
    },
  });
  return stdout;
}

const nodeKey = (der: Uint8Array) =>
  ({
    key: createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" }),
    dsaEncoding: "ieee-p1363",
  }) as const;

/** The same key as tpm2-tools make it, in `tool.ctx` and `tool.der`. */
async function toolsKey(): Promise<void> {
  const template = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign";
  const algorithms = "ecc256:ecdsa-sha256:null";
  await tool("tpm2_createprimary", "-C", "e", "-G", algorithms, "-a", template, "-c", "tool.ctx");
  await tool("tpm2_readpublic", "-c", "tool.ctx", "-f", "der", "-o", "tool.der");
  await tool("tpm2_flushcontext", "-t");
}

test("tpm2-tools make the same key of the same template", async () => {
  await toolsKey();
  assert.equal(readFileSync(join(folder, "tool.der"), "hex"), await spki());
});

test("a proof: node:crypto and tpm2_checkquote find it right, and wrong for another digest", async () => {
  await using key = await openKey();
  const digest = randomBytes(32);
  const { quote, signature } = await key.prove(digest);
  assert(quote !== null);
  assert(verify("sha256", quote, nodeKey(key.spki), signature));
  const decoded = readQuote(quote);
  assert(decoded.ok);
  assert.deepEqual(decoded.value.extraData, Uint8Array.from(digest));
  assert.deepEqual(decoded.value.pcrSelection, [bootPcrs]);

  writeFileSync(join(folder, "own.der"), key.spki);
  writeFileSync(join(folder, "own.msg"), quote);
  // A TPMT_SIGNATURE: ECDSA, SHA-256, r and s with their lengths.
  const signed = [0, 0x18, 0, 0x0b, 0, 32, ...signature.subarray(0, 32), 0, 32];
  writeFileSync(join(folder, "own.sig"), Uint8Array.of(...signed, ...signature.subarray(32)));
  const pem = nodeKey(key.spki).key.export({ type: "spki", format: "pem" });
  writeFileSync(join(folder, "own.pem"), pem);
  const check = (nonce: Uint8Array): Promise<string> =>
    tool(
      "tpm2_checkquote",
      ...["-u", "own.pem", "-m", "own.msg", "-s", "own.sig", "-g", "sha256"],
      ...["-q", Buffer.from(nonce).toString("hex")],
    );
  await check(digest);
  await assert.rejects(check(randomBytes(32)), /nonce/i);
});

test("node:crypto finds a quote of tpm2-tools right, and it is read as it was asked for", async () => {
  await toolsKey();
  const nonce = randomBytes(20);
  await tool(
    "tpm2_quote",
    ...["-c", "tool.ctx", "-l", "sha256:1,2,23", "-q", nonce.toString("hex"), "-g", "sha256"],
    ...["-m", "tool.msg", "-s", "tool.sig", "-f", "plain"],
  );
  await tool("tpm2_flushcontext", "-t");
  const quote = readFileSync(join(folder, "tool.msg"));
  const { key } = nodeKey(readFileSync(join(folder, "tool.der")));
  assert(verify("sha256", quote, key, readFileSync(join(folder, "tool.sig"))));
  const decoded = readQuote(quote);
  assert(decoded.ok);
  assert.deepEqual(decoded.value.extraData, Uint8Array.from(nonce));
  assert.deepEqual(decoded.value.pcrSelection, [{ hash: "sha256", pcrs: [1, 2, 23] }]);
});

test("what a PC started is in the proof, and how often it was started", async () => {
  const quoted = async () => {
    await using key = await openKey();
    const decoded = readQuote((await key.prove(new Uint8Array(32))).quote as Uint8Array);
    assert(decoded.ok);
    return decoded.value;
  };
  const before = await quoted();
  await tool("tpm2_pcrextend", `11:sha256=${"5a".repeat(32)}`);
  const extended = await quoted();
  assert.notDeepEqual(extended.pcrDigest, before.pcrDigest);
  assert.equal(extended.resetCount, before.resetCount);
  await restart();
  const again = await quoted();
  assert.deepEqual(again.pcrDigest, before.pcrDigest);
  assert.equal(again.resetCount, before.resetCount + 1);
});

test("one key leaves its place in the TPM, which has three", async () => {
  for (let count = 0; count < 5; count++) await spki();
  assert.equal(await tool("tpm2_getcap", "handles-transient"), "");
});

test("the same key after a restart, after TPM2_Clear, and under the owner's passwords", async () => {
  const first = await spki();
  await restart();
  assert.equal(await spki(), first, "after a restart");
  await tool("tpm2_clear", "-c", "p");
  assert.equal(await spki(), first, "after TPM2_Clear");
  await tool("tpm2_changeauth", "-c", "owner", "forgotten");
  await tool("tpm2_changeauth", "-c", "lockout", "forgotten too");
  assert.equal(await spki(), first, "with passwords of owner and lockout");
  await restart();
  assert.equal(await spki(), first, "with passwords, after a restart");
});

test("firmware that keeps no SHA-256 is told of, and the key proves all the same", async () => {
  const said: string[] = [];
  await tool("tpm2_pcrallocate", "sha1:all+sha256:none");
  await restart();
  {
    await using key = await openKey((sentence) => said.push(sentence));
    const { quote, signature } = await key.prove(randomBytes(32));
    assert(verify("sha256", quote as Uint8Array, nodeKey(key.spki), signature));
  }
  assert.match(said.join(), /keeps no SHA-256 of what this PC started/);
  await tool("tpm2_pcrallocate", "sha1:all+sha256:all");
  await restart();
});

test("a hierarchy with a password, and one that is switched off, are no key, in words", async () => {
  await tool("tpm2_changeauth", "-c", "endorsement", "secret");
  await assert.rejects(spki(), {
    code: "failed",
    message: /a password is set \(authorisation 1, response code 0x9a2\)/,
  });
  await tool("tpm2_changeauth", "-c", "endorsement", "-p", "secret");
  await spki();
  await tool("tpm2_hierarchycontrol", "-C", "p", "ehEnable", "clear");
  await assert.rejects(spki(), /the hierarchy is switched off \(handle 1, response code 0x185\)/);
});
