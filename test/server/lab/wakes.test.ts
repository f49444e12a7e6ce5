import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../core/node/clock.ts";
import type { PcState } from "../../../core/wire/views.ts";
import type { Announcer } from "../../../server/lab/announcer.ts";
import { LabTimers } from "../../../server/lab/timers.ts";
import { wakePcs } from "../../../server/lab/wakes.ts";
import type { PcRecord } from "../../../server/state/records.ts";

const pc = (name: string): PcRecord =>
  ({ id: `p-${name}`, name, macs: [`mac-${name}`] }) as unknown as PcRecord;

test("who is off is woken; the report names who was on, who came, and how far the others got", async () => {
  const online = new Set(["p-on"]);
  const sent: string[][] = [];
  const notes: string[] = [];
  const report = await wakePcs(
    {
      timers: new LabTimers(systemClock, 0),
      announcer: {
        note: (about: { pc: string }, text: string) => void notes.push(`${about.pc} ${text}`),
      } as unknown as Announcer,
      send: async (macs) => {
        sent.push([...macs]);
        online.add("p-quick");
      },
      isConnected: (id) => online.has(id),
      stateOf: (id): PcState => (id === "p-slow" ? "booting" : "offline"),
    },
    ["on", "quick", "slow", "dead"].map(pc),
    600,
    new AbortController().signal,
  );
  assert.deepEqual(report, {
    alreadyOn: ["on"],
    came: ["quick"],
    missing: [
      { pc: "p-slow", name: "slow", reached: "booting" },
      { pc: "p-dead", name: "dead", reached: "off" },
    ],
  });
  assert.deepEqual(sent, [["mac-quick", "mac-slow", "mac-dead"]]);
  assert(notes.some((note) => /^p-slow did not come .*boot files/.test(note)));
  assert(notes.some((note) => /^p-dead did not come .*nothing was heard/.test(note)));
  assert.equal(notes.filter((note) => note.includes("p-on")).length, 0);
});

test("with no time to wait only the packets are sent, and nobody is blamed", async () => {
  const notes: string[] = [];
  let packets = 0;
  const report = await wakePcs(
    {
      timers: new LabTimers(systemClock, 0),
      announcer: {
        note: (_: unknown, text: string) => void notes.push(text),
      } as unknown as Announcer,
      send: async () => void packets++,
      isConnected: () => false,
      stateOf: () => "offline",
    },
    [pc("a")],
    0,
    new AbortController().signal,
  );
  assert.deepEqual([packets, report.missing.length, notes], [1, 1, ["woken by magic packet"]]);
});
