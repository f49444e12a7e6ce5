import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiskView } from "../../../core/wire/views.ts";
import { DiskAnswers } from "../../../initrd/agent/hardware/disk-answers.ts";
import { driveErases } from "../../../initrd/agent/hardware/drive-erases.ts";
import { fakeAta } from "../../imaging/wipe/fake-drive.ts";

const disk = (name: string, serial = name): DiskView => ({
  ...{ path: `/dev/${name}`, size: 1e9, logicalSector: 512, model: "ACME SSD", serial, wwn: null },
  ...{ transport: "sata", rotational: false, health: null, protection: null },
});

const never = () => false;

test("a disk that hangs keeps nobody waiting, is asked once, and its late answer is known", async () => {
  const asked: string[] = [];
  const late = Promise.withResolvers<string>();
  const answers = new DiskAnswers(
    ({ path }) => {
      asked.push(path);
      return path === "/dev/sda" ? late.promise : Promise.resolve("well");
    },
    never,
    50,
  );
  const [hangs, well] = [disk("sda"), disk("sdb")];
  await answers.ask([hangs, well]);
  assert.deepEqual([answers.of(hangs), answers.of(well)], [null, "well"]);
  await answers.ask([hangs, well]);
  assert.deepEqual(asked, ["/dev/sda", "/dev/sdb"]);
  late.resolve("well after all");
  await new Promise(setImmediate);
  assert.equal(answers.of(hangs), "well after all");
  await answers.ask([hangs, well]);
  assert.equal(asked.length, 2);
});

test("a disk that cannot be asked is asked again", async () => {
  let isThere = false;
  const answers = new DiskAnswers(async () => {
    if (!isThere) throw new Error("ENXIO");
    return true;
  });
  await answers.ask([disk("sda")]);
  assert.equal(answers.of(disk("sda")), null);
  isThere = true;
  await answers.ask([disk("sda")]);
  assert.equal(answers.of(disk("sda")), true);
});

test("an answer that may change is asked for again, and holds until the next one is there", async () => {
  let next = Promise.resolve("frozen");
  let asked = 0;
  const answers = new DiskAnswers(
    () => {
      asked++;
      return next;
    },
    (answer) => answer === "frozen",
    50,
  );
  await answers.ask([disk("sda")]);
  const thawed = Promise.withResolvers<string>();
  next = thawed.promise;
  await answers.ask([disk("sda")]);
  assert.equal(answers.of(disk("sda")), "frozen");
  thawed.resolve("can erase itself");
  await new Promise(setImmediate);
  await answers.ask([disk("sda")]);
  assert.deepEqual([answers.of(disk("sda")), asked], ["can erase itself", 2]);
});

test("a disk is known by what it is at its place, and forgotten once it is gone", async () => {
  let answer = "failed";
  const answers = new DiskAnswers(async () => answer);
  await answers.ask([disk("sda", "S1")]);
  assert.equal(answers.of(disk("sda", "S2")), null, "another disk at the same place");
  answer = "passed";
  await answers.ask([]);
  await answers.ask([disk("sda", "S1")]);
  assert.equal(answers.of(disk("sda", "S1")), "passed");
});

test("a disk that was frozen can erase itself once it was thawed", async () => {
  const [frozen, free] = [0b101001, 0b100001];
  let security = frozen;
  let asked = 0;
  const erases = driveErases(async () => {
    asked++;
    return { ...fakeAta({ words: { 128: security } }), async [Symbol.asyncDispose]() {} };
  });
  const kind = async () => {
    await erases.ask([disk("sda")]);
    return erases.of(disk("sda"))?.erase.kind;
  };
  assert.equal(await kind(), "none");
  security = free;
  assert.equal(await kind(), "ata");
  security = frozen;
  assert.equal(await kind(), "ata");
  assert.equal(asked, 2);
});
