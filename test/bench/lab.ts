/**
 * `make bench-lab`: a building's PCs against the real server on the loopback. `--pcs N,N`: how many come at once.
 * `--out FOLDER`: the table and the figures as JSON. `--profile FOLDER`: a profile of the server's processor time.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Building, measure, type Phase } from "./building/building.ts";

const { values } = parseArgs({
  options: {
    pcs: { type: "string", default: "500,1000,2000" },
    out: { type: "string" },
    profile: { type: "string" },
  },
});

const columns = [
  "PCs",
  "welcome",
  "server",
  "per PC",
  "its own",
  "",
  "status p50",
  "p99",
  "most",
  "cores",
  "memory",
];
const line = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => cell.padEnd(at === 5 ? 9 : 11))
    .join("")
    .trimEnd();

function rowsOf(building: Building): string[] {
  const { pcs, welcomeSeconds, welcomeCpuSeconds, pcsCpuSeconds, idle, sessions } = building;
  const come = [
    String(pcs),
    welcomeSeconds === null ? "not in time" : `${welcomeSeconds.toFixed(1)} s`,
    `${welcomeCpuSeconds.toFixed(1)} s`,
    ...[welcomeCpuSeconds, pcsCpuSeconds].map(
      (seconds) => `${((seconds * 1000) / pcs).toFixed(2)} ms`,
    ),
  ];
  const whenIdle = line([...come, "idle", ...phaseCells(idle)]);
  if (sessions === null) return [whenIdle];
  const atWork = `${sessions.atWork} PCs work`;
  return [whenIdle, line([atWork, "", "", "", "", "sessions", ...phaseCells(sessions)])];
}

const phaseCells = ({ status, cores, memoryBytes }: Phase): string[] => [
  ...[status.p50, status.p99, status.most].map((ms) => `${ms.toFixed(1)} ms`),
  cores.toFixed(2),
  `${Math.round(memoryBytes / 1e6)} MB`,
];

const textOf = (words: Readonly<Record<string, number>>): string =>
  Object.entries(words)
    .map(([reason, count]) => `${count} × ${reason}`)
    .join(", ");

const buildings: Building[] = [];
const lines = [line(columns)];
console.log(lines[0]);
for (const pcs of values.pcs.split(",").map(Number)) {
  const { profile } = values;
  const options = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const building = await measure(pcs, options);
  buildings.push(building);
  const rows = rowsOf(building);
  for (const [what, words] of [
    ["refused at first", building.refused],
    ["cut off", building.cuts],
  ] as const)
    if (Object.keys(words).length > 0) rows.push(`  ${what}: ${textOf(words)}`);
  lines.push(...rows);
  console.log(rows.join("\n"));
}
if (values.out !== undefined) {
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "lab.json"), `${JSON.stringify(buildings, null, 1)}\n`);
  await writeFile(join(values.out, "lab.txt"), `${lines.join("\n")}\n`);
}
