/**
 * `make bench-product`: a room restored by roomcast as it is and by what a user would run instead, in
 * turns in one run, on one wire, of one disk image. Measured from the order to the last PC: with roomcast
 * until it is verified, with the others until their last program has ended. `--quick`: the most telling
 * rows; `--rows TEXT`: those whose name has it; `--repeat N`; `--out FOLDER`: figures, table and plot are kept
 * there, and a row is written as soon as it is measured.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
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
    out: { type: "string" },
  },
});
const disks = new Map<number, BenchDisk>();
const repeat = Number(values.repeat);
const rows = (values.quick === true ? quickProductRows : productRows).filter((row) =>
  rowText(row).includes(values.rows),
);
const kept = values.out === undefined ? null : await KeptResults.open(values.out);
const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-product-"));
// Every PC has a disk of its own: files in memory do not wait for each other.
process.env.TMPDIR = "/dev/shm";

try {
  const placeOf = ({ receiverCount, diskMib }: ProductRow): string => `${receiverCount} ${diskMib}`;
  console.log(tableHead());
  for (const [, [first, ...more]] of Map.groupBy(rows, placeOf)) {
    if (first === undefined) continue;
    await measureIn(await diskOf(first.diskMib), [first, ...more]);
  }
  console.log(["", ...tableNotes].join("\n"));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureIn(disk: BenchDisk, sharing: readonly [ProductRow, ...ProductRow[]]) {
  const place = await openPlace(disk, sharing[0].receiverCount);
  try {
    for (const row of sharing) {
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
    await place.room.close();
  }
}

/** Disks are kept until the end: several places have the same. */
async function diskOf(sizeMib: number): Promise<BenchDisk> {
  const found = disks.get(sizeMib);
  if (found !== undefined) return found;
  const made = makeBenchDisk(await mkdtemp(join(folder, "disk-")), sizeMib);
  disks.set(sizeMib, made);
  return made;
}

/** Of what and on what the figures were taken, and how busy that was. */
function takenOn({ diskBytes, filesBytes, storedBytes }: BenchDisk): string {
  const [first] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
  return [
    `${new Date().toISOString().slice(0, 16)}Z, median of ${repeat}`,
    `a disk of ${mb(diskBytes)} MB, ext4 with ${mb(filesBytes)} MB of files, ${mb(storedBytes)} MB by partclone and zstd -3`,
    `${cpus().length} cores (${first?.model.trim()}), Linux ${release()}, load before ${load}`,
  ].join("; ");
}
