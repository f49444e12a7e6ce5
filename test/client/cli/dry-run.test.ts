/** `--dry-run` names what would be lost, and neither asks nor does anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diskOf, imageOf, pcOf } from "../console/fake-lab.ts";
import { ran, room } from "./run-command.ts";

const step = { name: "printer.sh", bytes: 9, by: "ann", addedAt: "2026-11-21T09:00:00Z" };
const image = imageOf(3, { name: "win11", steps: [step] });
const fitted = imageOf(4, { name: "win11", fitOf: image.id, fitSize: "240GB" });
const own = { address: "10.0.0.7/24", fields: { PRINTER: "east" } };
const pcs = [pcOf(1, { disks: [diskOf(1)], ...own }), pcOf(2, { disks: [diskOf(2)] })];
const there = {
  ...{ "/pcs": pcs, "/images": [image, fitted], "/images/win11": image },
  ...{ "/pcs/pc01": pcs[0], "/pcs/pc02": pcs[1] },
};

const cases: readonly (readonly [line: string, ...says: RegExp[]])[] = [
  [
    "restore win11 --room lab-1",
    /^win11@\d+ .* will overwrite:$/m,
    /^ {2}pc01: .*sd/m,
    /^ {2}pc02: /m,
  ],
  ["cast pc01 --room lab-1", /the disk of pc01 will overwrite:/, /^ {2}pc02: /m],
  ["pc wipe pc01", /will be wiped/, /^ {2}pc01: .*sd/m],
  [
    "pc forget pc01",
    /^pc01 \(\S+\) will be forgotten: its place in room lab-1, its address 10.0.0.7\/24, its field PRINTER, its key/m,
    /^Lost: .*SSH host keys/m,
    /^The history stays/m,
  ],
  [
    "image delete win11",
    /^The image win11@\d+ \(/m,
    /^The image win11@\d+-fit-240GB \(/m,
    /^Its own script printer.sh will be deleted/m,
  ],
  ["room delete lab-1", /^The room lab-1 will be deleted/m, /default: pc01, pc02$/m],
];

for (const [line, ...says] of cases) {
  test(`${line} --dry-run`, async () => {
    const { calls, said, shown, error } = await ran([...line.split(" "), "--dry-run"], there);
    assert.equal(error, null);
    assert.deepEqual(calls, []);
    assert.deepEqual(shown, [], "nothing is asked");
    for (const each of says) assert.match(said.join("\n"), each);
    assert.equal(said.at(-1), "Nothing was done (--dry-run).");
  });

  test(`${line} without it does something, or asks first`, async () => {
    const { calls, shown } = await ran(line.split(" "), { ...there, "/rooms": [room] });
    assert(calls.length + shown.length > 0);
  });
}
