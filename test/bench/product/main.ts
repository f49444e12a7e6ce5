/**
 * `make bench-product`: a room restored by roomcast as it is and by what a user would run instead, in
 * turns in one run, on one wire, of one disk image. Measured from the order to the last PC: with roomcast
 * until it is verified, with the others until their last program has ended. `--quick`: the most telling
 * rows; `--rows TEXT`: those whose name has it; `--repeat N`; `--out FOLDER`: table and JSON.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeBenchDisk } from "./disk.ts";
import { openPlace } from "./place.ts";
import { race } from "./race.ts";
import { productRows, quickProductRows, rowText } from "./rows.ts";
import { type ProductResult, resultText, tableHead } from "./table.ts";
import { type WayName, wayNames } from "./ways.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    rows: { type: "string", default: "" },
    repeat: { type: "string", default: "3" },
    mib: { type: "string", default: "256" },
    out: { type: "string" },
  },
});
const repeat = Number(values.repeat);
const rows = (values.quick === true ? quickProductRows : productRows).filter((row) =>
  rowText(row).includes(values.rows),
);
const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-product-"));
const results: ProductResult[] = [];
const lines: string[] = [];
const say = (text: string): void => {
  lines.push(text);
  console.log(text);
};

try {
  const disk = makeBenchDisk(folder, Number(values.mib));
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
  say(`${new Date().toISOString().slice(0, 10)}, ${machineText()}`);
  say(
    `disk of ${values.mib} MiB, ext4 with ${mb(disk.filesBytes)} MB of files; by partclone and zstd -3: ${mb(disk.storedBytes)} MB; medians of ${repeat} runs`,
  );
  say(tableHead());
  for (const count of new Set(rows.map(({ receiverCount }) => receiverCount))) {
    const place = await openPlace(disk, count);
    try {
      for (const row of rows.filter(({ receiverCount }) => receiverCount === count)) {
        const runs = Object.fromEntries(wayNames.map((way) => [way, []])) as unknown as Record<
          WayName,
          Awaited<ReturnType<typeof race>>[]
        >;
        for (let turn = 0; turn < repeat; turn++)
          for (const way of wayNames) runs[way].push(await race(way, row, place));
        const result = { row, runs };
        results.push(result);
        say(resultText(result));
      }
    } finally {
      await place.room.close();
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (values.out !== undefined) {
  await mkdir(values.out, { recursive: true });
  const write = (name: string, text: string) => writeFile(join(values.out as string, name), text);
  await write("product.json", `${JSON.stringify({ said: lines.slice(0, 2), results }, null, 1)}\n`);
  await write("product.txt", `${lines.join("\n")}\n`);
}

/** What the figures were taken on, and how busy it was. */
function machineText(): string {
  const [first] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  return `${cpus().length} cores (${first?.model.trim()}), Linux ${release()}, load before ${load}`;
}
