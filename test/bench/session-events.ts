/**
 * `make bench-session`: what one PC's event costs in a session of 50, 500 and 2000 PCs, in microseconds of a processor: decided,
 * made the text that the journal writes, acted on, and asked when time comes next. Without disk and network.
 */
import type { Input, PcId } from "../../core/session/kind.ts";
import { millis } from "../../core/units/units.ts";
import { anyDisk } from "../../core/wire/disk-policy.ts";
import { Engine } from "../../server/lab/engine.ts";
import { castKeys } from "../core/cast/keys.ts";
import {
  at,
  delivery,
  done,
  lane,
  progress,
  ready,
  restoreSpec,
  root,
} from "../core/session/play.ts";

const sizes = [50, 500, 2000];
/** PCs of which each kind of event is measured. */
const measured = 40;

function costs(size: number): [string, number][] {
  const pcs = Array.from({ length: size }, (_, number) => `p${number}`);
  const engine = new Engine({
    settingsOf: () => ({
      ...{ policy: anyDisk, grow: "none" as const, rateLimitBps: null, grant: () => "", castKeys },
    }),
  });
  let now = 0;
  const stamp = () => ({ at: millis(++now), iso: `t${now}` });
  const turn = (): void => {
    for (let batch = engine.toWrite(); batch !== null; batch = engine.toWrite()) {
      JSON.stringify(batch);
      engine.written(millis(now));
    }
    engine.takeSends();
    engine.deadline(millis(now));
  };
  const take = (input: Input): void => {
    engine.take("s1", input, stamp());
    turn();
  };
  const rows: [string, number][] = [];
  const row = (name: string, whom: readonly PcId[], act: (pc: PcId) => void): void => {
    const begun = process.cpuUsage();
    for (const pc of whom) act(pc);
    const { user, system } = process.cpuUsage(begun);
    rows.push([name, (user + system) / whom.length]);
  };
  for (const pc of pcs) engine.connected(pc, null, stamp());
  row("begin", pcs, (pc) => {
    if (pc !== pcs[0]) return;
    engine.begin(1, "restore", restoreSpec({ pcs }), stamp());
    turn();
  });
  const few = pcs.slice(-measured);
  const report = (pc: PcId, given: ReturnType<typeof at>): void => {
    engine.reported(pc, { ...given, session: "s1" }, stamp());
    turn();
  };
  row("ready", pcs, (pc) => take(ready(pc)));
  row("report", few, (pc) => report(pc, at(1)));
  row("progress", few, (pc) => take(progress(pc, "receiving")));
  row("lane", few, (pc) => take(lane(pc, "slow")));
  row("delivery", few, (pc) => take(delivery(pc, "deaf")));
  row("lost", few, (pc) => {
    engine.lost(pc, "gone", stamp());
    turn();
  });
  row("back", few, (pc) => {
    engine.connected(pc, { ...at(1), session: "s1" }, stamp());
    turn();
  });
  row("ready again", few, (pc) => take(ready(pc)));
  row("received", few, (pc) => take(progress(pc, "verifying")));
  row("end", few, (pc) => report(pc, done(1, "verified", root)));
  return rows;
}

// Code that has not run yet is slow.
for (let run = 0; run < 3; run++) costs(500);
const all = sizes.map((size) => costs(size));
console.log(["", ...sizes].map((cell) => String(cell).padStart(12)).join(""));
for (const [index, [name]] of (all[0] ?? []).entries())
  console.log(
    [name, ...all.map((rows) => (rows[index]?.[1] ?? 0).toFixed(0))]
      .map((cell) => cell.padStart(12))
      .join(""),
  );
