/** The bytes of the commands, field by field as the specifications have them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DriveHandle, sgFault, sgMemory } from "../../../core/node/drive-calls.ts";
import * as ata from "../../../imaging/wipe/ata.ts";
import * as nvme from "../../../imaging/wipe/nvme.ts";
import { controller, identify, namespace, sanitizeLog } from "./fake-drive.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** The fields that are not zero, by their offset. */
const fields = (bytes: Uint8Array): Record<number, string> =>
  Object.fromEntries(
    Array.from({ length: bytes.length / 4 }, (_, word) => [
      4 * word,
      hex(bytes.subarray(4 * word, 4 * word + 4)),
    ]).filter(([, text]) => text !== "00000000"),
  );
const minute = "60ea0000";

test("NVMe: Identify, Get Log Page, Sanitize and Format NVM as linux/nvme_ioctl.h takes them", () => {
  assert.deepEqual(fields(nvme.identifyController()), {
    ...{ 0: "06000000", 36: "00100000", 40: "01000000", 64: minute },
  });
  assert.deepEqual(fields(nvme.identifyNamespace(2)), {
    ...{ 0: "06000000", 4: "02000000", 36: "00100000", 64: minute },
  });
  assert.deepEqual(fields(nvme.listNamespaces()), {
    ...{ 0: "06000000", 36: "00100000", 40: "02000000", 64: minute },
  });
  assert.deepEqual(fields(nvme.sanitizeLog()), {
    ...{ 0: "02000000", 4: "ffffffff", 36: "00020000", 40: "81007f00", 64: minute },
  });
  assert.deepEqual(fields(nvme.sanitize("block")), { 0: "84000000", 40: "0a000000", 64: minute });
  assert.deepEqual(fields(nvme.sanitize("crypto")), { 0: "84000000", 40: "0c000000", 64: minute });
  const six = "00974901";
  const of = (isCrypto: boolean, keep: number) => fields(nvme.format({ nsid: 1, keep, isCrypto }));
  assert.deepEqual(of(false, 0), { 0: "80000000", 4: "01000000", 40: "00020000", 64: six });
  assert.deepEqual(of(true, 0x1115), { 0: "80000000", 4: "01000000", 40: "15150000", 64: six });
});

test("NVMe: what a controller says it can, and a namespace's format stays what it is", () => {
  assert.deepEqual(nvme.decodeController(controller({})), {
    ...{ canFormat: false, canCryptoFormat: false, formatsAll: false },
    ...{ canBlockSanitize: false, canCryptoSanitize: false },
  });
  const all = controller({ oacs: 0b10, fna: 0b111, sanicap: 0b11 });
  assert(Object.values(nvme.decodeController(all)).every((each) => each));
  assert.equal(nvme.decodeController(controller({ fna: 0b010 })).formatsAll, true);
  // Format 17 (bits 6:5 and 3:0), metadata in line; protection type 3, in the first bytes.
  const { keep } = nvme.decodeNamespace(namespace({ flbas: 0b0011_0001, dps: 0b1011 }));
  assert.equal(keep, 0b01_0000_0001 | (0b01 << 12) | (1 << 4) | (0b011 << 5));
  const zeros = (dlfeat: number) => nvme.decodeNamespace(namespace({ dlfeat })).zerosAfterDiscard;
  assert.deepEqual([0, 1, 2, 9].map(zeros), [false, true, false, true]);
});

test("NVMe: how far a sanitize is", () => {
  const at = (status: number, progress = 0) =>
    nvme.decodeSanitizeLog(sanitizeLog(status, progress));
  assert.deepEqual(at(2, 0x8000), { state: "running", fraction: 0.5 });
  assert.deepEqual(
    [0, 1, 3, 4].map((each) => at(each).state),
    ["never", "done", "failed", "done"],
  );
  assert.equal(at(0x101).state, "done", "other bits say other things");
});

test("ATA: the commands as SAT passes them on, and the password in its block", () => {
  assert.equal(hex(ata.identify().cdb), `85080e00000001${"00".repeat(7)}ec00`);
  assert.equal(hex(ata.setPassword().cdb), `850a0600000001${"00".repeat(7)}f100`);
  assert.equal(hex(ata.disablePassword().cdb), `850a0600000001${"00".repeat(7)}f600`);
  assert.equal(hex(ata.prepareErase().cdb), `8506000000000000${"00".repeat(6)}f300`);
  assert.equal(hex(ata.eraseUnit(true, 1).cdb), `850a0600000001${"00".repeat(7)}f400`);
  const block = (word0: string): string => `${word0}00${hex(Buffer.from("roomcast"))}`;
  assert(hex(ata.setPassword().data).startsWith(block("00")));
  assert(hex(ata.eraseUnit(false, 1).data).startsWith(block("00")));
  assert(hex(ata.eraseUnit(true, 1).data).startsWith(block("02")));
  assert.equal(ata.setPassword().data.length, 512);
});

test("ATA: security, times and TRIM as IDENTIFY DEVICE has them", () => {
  const of = (words: Readonly<Record<number, number>>) => ata.decodeIdentify(identify(words));
  const plain = of({ 128: 0b100001, 89: 60, 90: 1 });
  assert.deepEqual(plain, {
    ...{ isSupported: true, isEnabled: false, isFrozen: false, isExpired: false },
    ...{ hasEnhanced: true, minutes: 2, zerosAfterDiscard: false },
  });
  assert.equal(of({ 128: 1, 89: 60, 90: 1 })?.minutes, 120);
  assert.equal(of({ 128: 1, 89: 0x8000 | 600 })?.minutes, 1200);
  for (const value of [0, 0xff, 0xffff]) assert.equal(of({ 128: 1, 89: value })?.minutes, null);
  const bits = of({ 128: 0b11110 });
  assert.deepEqual(
    [bits?.isSupported, bits?.isEnabled, bits?.isFrozen, bits?.isExpired],
    [false, true, true, true],
  );
  const zeros = (w69: number, w169: number) =>
    of({ 128: 1, 69: w69, 169: w169 })?.zerosAfterDiscard;
  assert.deepEqual(
    [zeros(0x4020, 1), zeros(0x4000, 1), zeros(0x20, 1), zeros(0x4020, 0)],
    [true, false, false, false],
  );
  const damaged = identify({ 128: 1 });
  damaged[3] = (damaged[3] ?? 0) + 1;
  assert.equal(ata.decodeIdentify(damaged), null, "the checksum is wrong");
  assert.equal(ata.decodeIdentify(new Uint8Array(512)), null);
});

test("whatever a disk answers is read without a crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (bytes) => {
      nvme.decodeController(bytes);
      nvme.decodeNamespace(bytes);
      assert(nvme.decodeNamespaces(bytes).length <= 1024);
      nvme.decodeSanitizeLog(bytes);
      ata.decodeIdentify(bytes.subarray(0, 512));
    }),
  );
});

test("what is no disk of that kind is refused by the kernel, and told", async () => {
  await using drive = await DriveHandle.open(import.meta.filename);
  const refused = { message: /the kernel refuses: errno 25$/ };
  await assert.rejects(drive.namespace(), refused);
  await assert.rejects(drive.admin(nvme.identifyController(), new Uint8Array(4096)), refused);
  await assert.rejects(drive.ata(ata.identify()), refused);
});

test("SG_IO: struct sg_io_hdr, and what its status and sense data say", () => {
  const memory = sgMemory(ata.setPassword());
  assert.equal(memory.length, 4096 + 512);
  assert.deepEqual(fields(memory.subarray(0, 88)), {
    ...{ 0: "53000000", 4: "feffffff", 8: "10400000", 12: "00020000", 40: "30750000" },
  });
  assert.equal(hex(memory.subarray(128, 144)), hex(ata.setPassword().cdb));
  assert.equal(hex(memory.subarray(4096)), hex(ata.setPassword().data));
  const header = new Uint8Array(88);
  const sense = new Uint8Array(64);
  assert.equal(sgFault(header, sense), null);
  header[64] = 2;
  header[70] = 8;
  sense.set([0x72, 0x0b]);
  assert.match(sgFault(header, sense) ?? "", /does not take the command now/);
  sense.set([0x70, 0, 0x05]);
  assert.match(sgFault(header, sense) ?? "", /does not have the command/);
  header[68] = 3;
  sense.fill(0);
  assert.match(sgFault(header, sense) ?? "", /status 2, host 3, driver 0, sense key 0/);
});
