/**
 * `make bench`: roomcast's cast beside Debian's udpcast, in turns in one run, on the same payload that
 * does not compress; every output is compared. `--quick`: the five most telling rows. `--out FOLDER`:
 * the table, the figures as JSON and a plot.
 */
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chunkBytes } from "../../core/units/units.ts";
import { noiseOf } from "../core/node/noise-source.ts";
import { compete, type Outcome, type Row } from "./contest.ts";
import { plotOf } from "./plot.ts";
import { allRows, quickRows } from "./rows.ts";
import { measureSockets, type SocketResult, socketRows, socketText } from "./sockets.ts";
import { rowText, tableHead } from "./table.ts";
import { type Payload, type ToolName, toolNames } from "./tools.ts";

export interface Result {
  readonly row: Row;
  readonly outcomes: Record<ToolName, Outcome>;
}

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, out: { type: "string" } },
});
const rows = values.quick === true ? quickRows : allRows;
const scratch = "/dev/shm/roomcast-bench-payload";
const results: Result[] = [];
const sockets: SocketResult[] = [];
console.log(tableHead());
try {
  for (const row of rows) {
    const payload = await writePayload(row.payloadMib);
    const outcomes = {} as Record<ToolName, Outcome>;
    for (const tool of toolNames) outcomes[tool] = await compete(tool, row, payload);
    const result = { row, outcomes };
    results.push(result);
    console.log(rowText(result));
  }
} finally {
  await rm(scratch, { force: true });
}
for (const row of values.quick === true ? [] : socketRows) {
  const result = await measureSockets(row);
  sockets.push(result);
  console.log(socketText(result));
}
if (values.out !== undefined) {
  await mkdir(values.out, { recursive: true });
  const write = (name: string, text: string) => writeFile(join(values.out as string, name), text);
  await write("bench.json", `${JSON.stringify({ casts: results, sockets }, null, 1)}\n`);
  await write(
    "bench.txt",
    `${[tableHead(), ...results.map(rowText), ...sockets.map(socketText)].join("\n")}\n`,
  );
  await write("bench.svg", plotOf(results));
}

async function writePayload(mib: number): Promise<Payload> {
  await using file = await open(scratch, "w");
  for (let chunk = 0; chunk < mib; chunk++) await file.write(noiseOf(chunk, chunkBytes));
  return { path: scratch, chunkCount: mib };
}
