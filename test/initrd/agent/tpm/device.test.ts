import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeGetPcrBanks } from "../../../../core/wire/tpm/commands.ts";
import { openTpmDevice } from "../../../../initrd/agent/tpm/device.ts";
import { openTpmProver } from "../../../../initrd/agent/tpm/prover.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-tpm-device-"));
after(() => rmSync(folder, { recursive: true }));

/** A FIFO gives back what is written to it, as a device that answers each command with the command. */
function makeFifo(name: string): string {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  return path;
}

/** What is said when a device gives no key. */
async function refusal(path: string): Promise<string> {
  const said: string[] = [];
  assert.equal(await openTpmProver(path, (sentence) => said.push(sentence)), null);
  assert.equal(said.length, 1);
  return said[0] as string;
}

test("a command is one write, its answer one read, one after the other", async () => {
  await using device = await openTpmDevice(makeFifo("echo"));
  const commands = [1, 2, 3].map((byte) => new Uint8Array(20 * byte).fill(byte));
  assert.deepEqual(await Promise.all(commands.map((each) => device.transmit(each))), commands);
});

test("no TPM, a device that is none, and one that answers nonsense give no key, in words", async () => {
  assert.match(
    await refusal(join(folder, "none")),
    /^no key of a TPM: this PC shows no TPM 2\.0: if it has one, switch it on in the firmware/,
  );
  assert.match(await refusal(folder), /the TPM is of no use: \S+ cannot be opened: EISDIR/);
  // Its own command's code stands where the response code should.
  assert.match(await refusal(makeFifo("nonsense")), /of no use: .*response code 0x131/);
});

test("an answer that waits while this process is busy is in time", async () => {
  await using device = await openTpmDevice(makeFifo("busy"), 100);
  const answer = device.transmit(Uint8Array.of(1, 2, 3));
  // The command is on its way, and nothing was heard yet.
  for (let turn = 0; turn < 10; turn++) await null;
  const startedAt = performance.now();
  while (performance.now() - startedAt < 300);
  assert.deepEqual(await answer, Uint8Array.of(1, 2, 3));
});

test("once a late answer has come the TPM is asked again, and the late answer is nobody's", async () => {
  const path = makeFifo("late");
  const other = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const block = new Uint8Array(65_536);
  assert.equal(writeSync(other, block), block.length);
  await using device = await openTpmDevice(path, 100);
  await assert.rejects(device.transmit(Uint8Array.of(1, 2, 3)), /within 0\.1 s/);
  readSync(other, block);
  closeSync(other);
  const command = Uint8Array.of(4, 5, 6, 7);
  let answer: Uint8Array | null = null;
  for (let tries = 0; answer === null && tries < 100; tries++) {
    await sleep(50);
    answer = await device.transmit(command).catch(() => null);
  }
  assert.deepEqual(answer, command);
});

test("a TPM that does not answer in time is none, and is asked nothing more until it does", async () => {
  const path = makeFifo("full");
  const other = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  // Nobody reads it: once it is full, a write to it hangs.
  const block = new Uint8Array(65_536);
  assert.equal(writeSync(other, block), block.length);
  const device = await openTpmDevice(path, 100);
  const startedAt = performance.now();
  await assert.rejects(device.transmit(encodeGetPcrBanks()), {
    code: "failed",
    message: "the TPM is of no use: it did not answer within 0.1 s",
  });
  await assert.rejects(
    device.transmit(encodeGetPcrBanks()),
    /has not answered an earlier command yet/,
  );
  // Does not wait for the write that hangs.
  await device[Symbol.asyncDispose]();
  assert(performance.now() - startedAt < 20_000);
  readSync(other, block);
  closeSync(other);
});
