/** Which PCs' names are host names where. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type HostSystem,
  hostNameFault,
  hostNameFaults,
  systemsOn,
} from "../../../core/wire/host-names.ts";

const everywhere = ["lab1-a3", "A", "a".repeat(15), "1st", "3"];
const long = "lecturehall-2-a3";

test("letters, digits and hyphens are taken everywhere, and digits alone not by Windows", () => {
  for (const system of ["Windows", "Linux", "FreeBSD", "any system"] as const)
    for (const name of everywhere) {
      const isTaken = system !== "Windows" || name !== "3";
      assert.equal(hostNameFault(name, system) === null, isTaken, `${name} on ${system}`);
    }
});

const cases: readonly [string, HostSystem, RegExp | null][] = [
  ["lab_1", "Linux", /"_"/],
  ["lab_1", "Windows", /"_"/],
  ["lab.1", "FreeBSD", /"\."/],
  ["lab1-", "Linux", /hyphen/],
  ["-lab1", "any system", /hyphen/],
  ["", "Linux", /./],
  ["012345678", "Windows", /only digits/],
  ["012345678", "Linux", null],
  [long, "Windows", /16 characters, and 15/],
  [long, "Linux", null],
  ["a".repeat(64), "FreeBSD", /64 characters, and 63/],
];

for (const [name, system, fault] of cases)
  test(`${name || "no name"} on ${system}`, () => {
    const found = hostNameFault(name, system);
    if (fault === null) assert.equal(found, null);
    else assert.match(found ?? "", fault);
  });

test("an image holds the systems of its file systems", () => {
  const of = (...all: (string | null)[]) => systemsOn(all.map((fs) => ({ fs })));
  assert.deepEqual(of("vfat", null, "ntfs", "ntfs"), ["Windows"]);
  assert.deepEqual(of("vfat", "ext4", "LVM2_member", "ntfs"), ["Linux", "Windows"]);
  assert.deepEqual(of("ufs", "swap"), ["FreeBSD"]);
  assert.deepEqual(of("vfat", "constructor"), []);
});

const faults = (names: readonly string[], ...systems: HostSystem[]): string[] =>
  hostNameFaults(
    names.map((name) => ({ name })),
    systems,
  ).map(({ what }) => what);

test("names that become one are told, with which PCs and what to do", () => {
  assert.deepEqual(faults(["lab1-a1", "lab1-a2"], "Windows", "Linux"), []);
  assert.deepEqual(faults(["lab1-a1", "LAB1-A1"], "Linux"), [
    "lab1-a1 and LAB1-A1 are one name for Linux",
  ]);
  const [one, two] = [`${long}-one`, `${long}-two`];
  assert.deepEqual(faults([one, two], "Linux"), []);
  assert(faults([one, two], "Windows").includes(`${one} and ${two} are one name for Windows`));
  for (const { next } of hostNameFaults([{ name: "a_1" }, { name: "A_1" }], ["Windows"])) {
    assert.match(next, /rename/);
    assert.match(next, /--personalise none/);
  }
});
