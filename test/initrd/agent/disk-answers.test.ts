import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiskView } from "../../../core/wire/views.ts";
import { DiskAnswers } from "../../../initrd/agent/hardware/disk-answers.ts";

const disk = (name: string, serial = name): DiskView => ({
  ...{ path: `/dev/${name}`, size: 1e9, logicalSector: 512, model: "ACME SSD", serial, wwn: null },
  ...{ transport: "sata", rotational: false, health: null, protection: null },
});

test("a disk that hangs keeps nobody waiting, is asked once, and its late answer is known", async () => {
  const asked: string[] = [];
  const late = Promise.withResolvers<string>();
  const answers = new DiskAnswers(({ path }) => {
    asked.push(path);
    return path === "/dev/sda" ? late.promise : Promise.resolve("well");
  }, 50);
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
