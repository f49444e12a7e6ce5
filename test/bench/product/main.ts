/**
 * `make bench-product`: a room restored by roomcast as it is and by what a user would run instead, in
 * turns in one run, on one wire, of one disk image. Measured from the order to the last PC: with roomcast
 * until it is verified, with the others until their last program has ended. `--quick`: the most telling
 * rows; `--rows TEXT`: those whose name has it; `--repeat N`; `--mib N`: disks of
 * this size; `--out FOLDER`: figures, table and plot are kept
 * there, and a row is written as soon as it is measured.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machineText, takenAt } from "../machine.ts";
import { type BenchDisk, makeBenchDisk } from "./disk.ts";
import { KeptResults } from "./kept.ts";
import { openPlace } from "./place.ts";
import { race } from "./race.ts";
import { type ProductRow, productRows, quickProductRows, rowText } from "./rows.ts";
import { type ProductResult, resultText, tableHead, tableNotes } from "./table.ts";
import { type WayName, wayNames } from "./ways.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    rows: { type: "string", default: "" },
    repeat: { type: "string", default: "1" },
    mib: { type: "string" },
    out: { type: "string" },
  },
});
const repeat = Number(values.repeat);
const rows = (values.quick === true ? quickProductRows : productRows)
  .filter((row) => rowText(row).includes(values.rows))
  .map((row) => (values.mib === undefined ? row : { ...row, diskMib: Number(values.mib) }));
const kept = values.out === undefined ? null : await KeptResults.open(values.out);
const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-product-"));
// Every PC has a disk of its own: files in memory do not wait for each other.
process.env.TMPDIR = "/dev/shm";

try {
  console.log(tableHead());
  for (const [diskMib, sharing] of Map.groupBy(rows, (row) => row.diskMib)) {
    const disk = makeBenchDisk(await mkdtemp(join(folder, "disk-")), diskMib);
    await measureIn(disk, sharing);
  }
  console.log(["", ...tableNotes].join("\n"));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureIn(disk: BenchDisk, sharing: readonly ProductRow[]): Promise<void> {
  const most = Math.max(...sharing.map(({ receiverCount }) => receiverCount));
  const whole = await openPlace(disk, most);
  try {
    for (const row of sharing) {
      const place = { ...whole, pcs: whole.pcs.slice(0, row.receiverCount) };
      const taken = `${rowText(row)}: ${takenOn(disk)}`;
      const runs = Object.fromEntries(wayNames.map((way) => [way, []])) as unknown as Record<
        WayName,
        Awaited<ReturnType<typeof race>>[]
      >;
      for (let turn = 0; turn < repeat; turn++)
        for (const way of wayNames) runs[way].push(await race(way, row, place));
      const result: ProductResult = { row, taken, runs };
      console.log(resultText(result));
      for (const { right, steps } of runs.roomcast)
        if (right < row.receiverCount) console.log(steps.map(({ text }) => `  ${text}`).join("\n"));
      await kept?.keep(result);
    }
  } finally {
    await whole.room.close();
  }
}

/** Of what and on what the figures were taken, and how busy that was. */
function takenOn({ diskBytes, filesBytes, storedBytes }: BenchDisk): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return [
    `${takenAt()}, median of ${repeat}`,
    `a disk of ${mb(diskBytes)} MB, ext4 with ${mb(filesBytes)} MB of files, ${mb(storedBytes)} MB by partclone and zstd -3`,
    machineText(),
  ].join("; ");
}
