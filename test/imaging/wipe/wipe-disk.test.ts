/** Wipes from the choice of the way to the read-back, on disks in memory with controllers of their own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import type { WipeMethod } from "../../../core/wire/wipe.ts";
import type { DriveCalls } from "../../../imaging/wipe/drive.ts";
import { inspectDrive } from "../../../imaging/wipe/drive.ts";
import { wipeDisk } from "../../../imaging/wipe/wipe-disk.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { FakeDisk } from "../restore/fake-disk.ts";
import { controller, fakeAta, fakeNvme, namespace, sanitizeLog } from "./fake-drive.ts";

const mib = 1024 * 1024;
const content = (): Uint8Array => {
  const bytes = new Uint8Array(4 * mib + 512);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31 + (at >> 12)) & 0xff;
  return bytes;
};
const newDisk = (): FakeDisk => new FakeDisk(content());
const crypt = (disk: FakeDisk) => () =>
  disk.content.set(disk.content.map((byte, at) => (byte * 7 + 13 + at) & 0xff));

interface Setting {
  readonly disk?: FakeDisk;
  /** The disk takes no reads and writes. */
  isLocked?(): boolean;
  readonly isHung?: boolean;
  readonly transport?: string;
  readonly rotational?: boolean;
}

async function wipe(method: WipeMethod, drive: DriveCalls, setting: Setting = {}) {
  const { disk = newDisk(), transport = "nvme", rotational = false } = setting;
  const fractions: number[] = [];
  let seconds = 0;
  const isLocked = setting.isLocked ?? (() => false);
  const reads = async (offset: number, into: Uint8Array): Promise<boolean> => {
    if (isLocked()) return false;
    await disk.read(offset, into);
    return true;
  };
  const write = (offset: number, data: Uint8Array): Promise<void> => disk.write(offset, data);
  const zero = async (offset: number, length: number): Promise<void> => {
    if (isLocked()) throw new RoomcastError("failed", "disk write error", "replace the disk");
    await disk.zero(offset, length);
  };
  const record = await wipeDisk(method, {
    disk: {
      ...{ write, zero, isHung: setting.isHung ?? false },
      discard: (offset, length) => disk.discard(offset, length),
      flush: () => disk.flush(),
      reads,
    },
    ...{ size: disk.size, view: { ...diskOf(1), transport, rotational }, drive },
    ...{ below: () => 0, begin() {}, step() {} },
    now: () => seconds,
    async sleep(ms) {
      seconds += ms / 1000;
    },
    progress: (fraction) => void fractions.push(fraction),
  });
  return { record, fractions };
}

const block = controller({ sanicap: 0b10, oacs: 0b10 });

test("NVMe: the surest way that the disk has is taken: sanitize by block, by key; format by key, by data", async () => {
  const told = async (page: Uint8Array): Promise<[string[], string]> => {
    const disk = newDisk();
    const drive = fakeNvme({ controller: page, onErase: () => disk.content.fill(0) });
    const { record } = await wipe("secure-erase", drive, { disk });
    assert.deepEqual([record.sanitization, record.readBack.finding], ["purge", "zeros"]);
    return [drive.told, record.way];
  };
  assert.deepEqual(await told(block), [["84 a"], "nvme-sanitize"]);
  const key = controller({ sanicap: 0b01, oacs: 0b10, fna: 0b100 });
  assert.deepEqual(await told(key), [["84 c"], "nvme-sanitize"]);
  const format = controller({ oacs: 0b10, fna: 0b100 });
  assert.deepEqual(await told(format), [["80 400"], "nvme-format"]);
  assert.deepEqual(await told(controller({ oacs: 0b10 })), [["80 200"], "nvme-format"]);
});

test("NVMe: nothing that reaches another namespace is done", async () => {
  const two = { namespaces: [1, 2] };
  const all = fakeNvme({ controller: controller({ sanicap: 3, oacs: 2, fna: 2 }), ...two });
  const disk = newDisk();
  await assert.rejects(wipe("secure-erase", all, { disk }), {
    code: "refused",
    message: /reach its other namespaces too/,
  });
  assert.deepEqual([all.told, disk.content], [[], content()], "nothing was written");
  const own = fakeNvme({ controller: controller({ sanicap: 3, oacs: 2 }), ...two });
  await wipe("secure-erase", own, { disk: new FakeDisk(new Uint8Array(mib)) });
  assert.deepEqual(own.told, ["80 200"], "a format reaches its own alone");
});

test("NVMe: a sanitize is followed to its end, and one that fails is told", async () => {
  const disk = newDisk();
  const logs = [sanitizeLog(2, 0x4000), sanitizeLog(2, 0xc000), sanitizeLog(0x101, 0xffff)];
  const onErase = crypt(disk);
  const { fractions, record } = await wipe(
    "secure-erase",
    fakeNvme({ controller: block, logs, onErase }),
    { disk },
  );
  assert.deepEqual(fractions, [0.25, 0.75]);
  assert.deepEqual([record.readBack.finding, record.readBack.bytes], ["changed", disk.size]);
  const broken = fakeNvme({ controller: block, logs: [sanitizeLog(3, 0)] });
  await assert.rejects(wipe("secure-erase", broken), {
    code: "failed",
    message: /says that it failed/,
  });
  const refusing = fakeNvme({ controller: block, status: 0x4002 });
  await assert.rejects(wipe("secure-erase", refusing), { message: /NVMe status 0x4002/ });
  const endless = fakeNvme({
    controller: block,
    logs: Array.from({ length: 50_000 }, () => sanitizeLog(2, 1)),
  });
  await assert.rejects(wipe("secure-erase", endless), { message: /did not end within 24 hours/ });
});

test("a disk that says it erased itself, and reads in one place as before, has failed", async () => {
  const disk = newDisk();
  const before = content().slice(2 * mib, 3 * mib);
  const onErase = (): void => {
    crypt(disk)();
    disk.content.set(before, 2 * mib);
  };
  await assert.rejects(wipe("secure-erase", fakeNvme({ controller: block, onErase }), { disk }), {
    code: "failed",
    message: /still reads as before at .*byte 2097152/,
  });
});

test("a disk that takes no writes erases itself all the same; noise is no proof if it was not read before", async () => {
  for (const [after, finding] of [
    [(disk: FakeDisk) => () => disk.content.fill(0xff), "changed"],
    [crypt, "unverifiable"],
  ] as const) {
    const disk = newDisk();
    let isLocked = true;
    const drive = fakeNvme({
      controller: block,
      onErase() {
        isLocked = false;
        after(disk)();
      },
    });
    const { record } = await wipe("secure-erase", drive, { disk, isLocked: () => isLocked });
    assert.deepEqual([record.way, record.readBack.finding], ["nvme-sanitize", finding]);
  }
  const hung = fakeNvme({ controller: block });
  const locked = { isLocked: () => true, isHung: true };
  await assert.rejects(wipe("secure-erase", hung, locked), { message: "disk write error" });
  assert.deepEqual(hung.told, []);
});

const ssd = { 128: 0b100001, 90: 1, 82: 2 };

test("ATA: password, prepare, erase; afterwards the disk has no password", async () => {
  const disk = newDisk();
  const drive = fakeAta({ words: ssd, onErase: () => disk.content.fill(0) });
  const { record } = await wipe("secure-erase", drive, { disk, transport: "sata" });
  assert.deepEqual(drive.told, [
    ...["SECURITY SET PASSWORD", "SECURITY ERASE PREPARE", "SECURITY ERASE UNIT"],
  ]);
  assert.equal(drive.isLocked(), false);
  assert.deepEqual([record.way, record.sanitization], ["ata-secure-erase", "clear"]);
  const again = newDisk();
  const onErase = (): void => void again.content.fill(0);
  const magnetic = await wipe("secure-erase", fakeAta({ words: ssd, onErase }), {
    ...{ disk: again, transport: "sata", rotational: true },
  });
  assert.equal(magnetic.record.sanitization, "purge", "enhanced, of a magnetic disk");
});

test("ATA: what fails leaves no password behind", async () => {
  for (const name of ["SECURITY ERASE PREPARE", "SECURITY ERASE UNIT"]) {
    const drive = fakeAta({ words: ssd, fails: [name] });
    await assert.rejects(wipe("secure-erase", drive, { transport: "sata" }), {
      code: "failed",
      message: new RegExp(`^${name} did not succeed`),
    });
    assert.equal(drive.told.at(-1), "SECURITY DISABLE PASSWORD");
    assert.equal(drive.isLocked(), false);
  }
});

test("ATA: an erase that was cut off is done again; somebody else's password is told", async () => {
  const disk = newDisk();
  const ours = fakeAta({ words: { ...ssd, 128: 0b100111 }, onErase: () => disk.content.fill(0) });
  const { record } = await wipe("secure-erase", ours, {
    ...{ disk, transport: "sata", isLocked: ours.isLocked },
  });
  assert.deepEqual(ours.told, ["SECURITY ERASE PREPARE", "SECURITY ERASE UNIT"]);
  assert.equal(record.readBack.finding, "zeros");
  const theirs = fakeAta({
    words: { ...ssd, 128: 0b100111 },
    fails: ["SECURITY ERASE UNIT", "SECURITY DISABLE PASSWORD"],
  });
  await assert.rejects(wipe("secure-erase", theirs, { transport: "sata" }), {
    code: "refused",
    message: /a password that roomcast did not set/,
  });
});

test("what a disk does not have, or is not believed, is refused in words before anything is written", async () => {
  const frozen = fakeAta({ words: { ...ssd, 128: 0b101001 } });
  for (const [transport, drive, why] of [
    ["sata", frozen, /frozen/],
    ["sata", fakeAta({ words: { 128: 0 } }), /no ATA security/],
    ["sata", fakeAta({ words: { 128: 0b10001 } }), /no more passwords/],
    ["usb", fakeAta({ words: ssd }), /USB bridge/],
    ["sas", fakeAta({ words: ssd }), /sas have no erase/],
    ["nvme", fakeNvme({}), /neither Sanitize nor Format/],
    ["nvme", fakeAta({ words: ssd }), /cannot be asked: it is no NVMe disk/],
  ] as const) {
    const disk = newDisk();
    const refusal = { code: "refused", message: why };
    await assert.rejects(wipe("secure-erase", drive, { disk, transport }), refusal);
    assert.deepEqual(disk.content, content(), `${transport} ${why}`);
  }
  assert.deepEqual(frozen.told, []);
});

test("what was discarded is read back where the disk promises zeros, and else told as not verifiable", async () => {
  const promises = fakeNvme({ namespace: namespace({ dlfeat: 1 }) });
  const disk = newDisk();
  disk.hasDiscard = true;
  // It promises zeros, and reads as something else.
  await assert.rejects(wipe("discard", promises, { disk }), { message: /does not read as zeros/ });
  disk.discard = async (offset, length) => {
    disk.content.fill(0, offset, offset + length);
    return true;
  };
  const kept = await wipe("discard", promises, { disk });
  assert.deepEqual([kept.record.readBack.finding, kept.record.sanitization], ["zeros", null]);
  const silent = await wipe("discard", fakeNvme({}), { disk });
  assert.deepEqual(
    [silent.record.readBack.finding, silent.record.readBack.bytes],
    ["unverifiable", 0],
  );
  const start = Buffer.from(disk.content.subarray(0, mib)).toString();
  assert.match(start, /^This disk was wiped by roomcast\.\n\0*$/, "its start starts nothing");
});

test("a disk without discard is zeroed, whatever its controller says, and read back whole", async () => {
  const disk = newDisk();
  const { record } = await wipe("discard", fakeAta({ words: {} }), { disk, transport: "virtio" });
  assert.deepEqual([record.way, record.sanitization], ["zero", "clear"]);
  assert.equal(record.readBack.bytes, disk.size);
  const lying = newDisk();
  lying.zero = async (offset, length) => {
    lying.content.fill(0, offset, offset + length - 1);
  };
  await assert.rejects(wipe("zero", fakeNvme({}), { disk: lying }), { code: "failed" });
});

test("what a disk says of itself is asked without a word that changes it", async () => {
  const nvme = fakeNvme({ controller: block });
  assert.equal(
    (await inspectDrive({ transport: "nvme", rotational: false }, nvme)).erase.kind,
    "sanitize",
  );
  const ata = fakeAta({ words: ssd });
  assert.equal(
    (await inspectDrive({ transport: "sata", rotational: false }, ata)).erase.kind,
    "ata",
  );
  assert.deepEqual([...nvme.told, ...ata.told], []);
});
