/** What happens in wipes and captures, of one PC each, as data. */
import {
  alone,
  at,
  connected,
  done,
  drop,
  lost,
  notStored,
  progress,
  reported,
  resumed,
  stop,
  stored,
} from "./play.ts";
import type { Scenario } from "./scenario.ts";

const wipeSpec = { ...alone, method: "zero", failingDisks: [] };
const captureSpec = { ...alone, name: "master", raw: false };

export const aloneScenarios: readonly Scenario[] = [
  {
    name: "a wipe outlives a restart of the server and a broken connection",
    kind: "wipe",
    spec: wipeSpec,
    phases: [
      {
        inputs: [connected("a"), lost("a"), connected("a")],
        facts: ["a went", "a reordered"],
        wanted: { a: 1 },
      },
      { inputs: [progress("a", "wiping"), progress("a", "wiping")], facts: ["a began"] },
      { inputs: [lost("a"), lost("a"), connected("a", at(1))], facts: ["a went", "a returned"] },
      {
        inputs: [resumed, resumed, connected("a", done(1, "done"))],
        facts: ["a went", "a went", "a ended verified"],
        wanted: {},
      },
    ],
  },
  {
    name: "a PC that is restarted in the middle of a wipe has failed",
    kind: "wipe",
    spec: wipeSpec,
    phases: [
      {
        inputs: [progress("a", "wiping"), connected("a")],
        facts: ["a began", "a ended failed: pc-restarted"],
        results: { a: "failed: the PC was restarted during the wipe; its disk may be half wiped" },
      },
    ],
  },
  {
    name: "a PC that does not come back from a wipe has failed after a minute",
    kind: "wipe",
    spec: wipeSpec,
    phases: [
      { inputs: [lost("a")], facts: ["a went"], wanted: { a: 1 } },
      { after: 59_999, facts: [] },
      { after: 1, facts: ["a ended failed: lost"], wanted: {}, results: { a: "failed: gone" } },
    ],
  },
  {
    name: "a wipe that an agent refused never began",
    kind: "wipe",
    spec: wipeSpec,
    phases: [{ inputs: [reported("a", done(1, "refused"))], facts: ["a ended failed: refused"] }],
  },
  {
    name: "a wipe can be stopped by an operator and at the PC",
    kind: "wipe",
    spec: wipeSpec,
    phases: [
      {
        inputs: [progress("a", "wiping"), stop, stop],
        facts: ["a began", "a ended stopped: stopped"],
      },
    ],
  },
  {
    name: "a wipe of another attempt is no wipe",
    kind: "wipe",
    spec: wipeSpec,
    phases: [
      {
        inputs: [reported("a", done(2, "done")), progress("a", "wiping", 2)],
        facts: [],
        wanted: { a: 1 },
      },
      { inputs: [drop("a", "person")], facts: ["a ended stopped: stopped-at-pc"] },
    ],
  },
  {
    name: "a capture is what is in the store, whatever becomes of the agent",
    kind: "capture",
    spec: captureSpec,
    phases: [
      { inputs: [progress("a", "capturing"), stored, stored], facts: ["a began", "a committed"] },
      { inputs: [reported("a", done(1, "failed"))], facts: ["a ended verified"] },
    ],
  },
  {
    name: "a capture without an image has failed, whatever the agent says",
    kind: "capture",
    spec: captureSpec,
    phases: [
      {
        inputs: [reported("a", done(1, "done"))],
        facts: ["a ended failed: no-image"],
        results: { a: "failed: the agent ended without an image" },
      },
    ],
  },
  {
    name: "a capture that the store has no room for has failed",
    kind: "capture",
    spec: captureSpec,
    phases: [
      {
        inputs: [notStored],
        facts: ["a ended failed: no-space"],
        results: { a: "failed: the store is full" },
      },
    ],
  },
  {
    name: "a capture does not outlive its server",
    kind: "capture",
    spec: captureSpec,
    phases: [
      {
        inputs: [progress("a", "capturing"), resumed],
        facts: ["a began", "a ended failed: server-restarted"],
        results: {
          a: "failed: the server was restarted during the capture; capture again",
        },
      },
    ],
  },
  {
    name: "a capture that is committed outlives it",
    kind: "capture",
    spec: captureSpec,
    phases: [
      { inputs: [stored, resumed], facts: ["a committed", "a went"] },
      { after: 20_000, facts: ["a ended verified"], results: { a: "verified" } },
    ],
  },
];
