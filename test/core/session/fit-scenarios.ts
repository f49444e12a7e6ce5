/** What happens in restores whose image is made to fit first, as data. */
import {
  admit,
  booting,
  connected,
  done,
  drop,
  fitted,
  lost,
  notFitted,
  ready,
  reported,
  restoreSpec,
  resumed,
  start,
  stop,
  verified,
} from "./play.ts";
import type { Scenario } from "./scenario.ts";

const spec = restoreSpec({ fitTo: 240e9 });
const waits = "pending: waits for the image to be made to fit";

export const fitScenarios: readonly Scenario[] = [
  {
    name: "nobody is ordered before there is a version that fits, and then who is there is",
    kind: "restore",
    spec,
    phases: [
      {
        inputs: [connected("a"), booting("b"), start],
        facts: ["b awaited"],
        wanted: {},
        cast: null,
        results: { a: waits, b: waits },
      },
      { inputs: [fitted], facts: ["fitted"], wanted: {}, results: { b: "pending" } },
      {
        inputs: [connected("a"), ready("a")],
        facts: ["a ordered 1", "a readied", "opened ready", "a joined"],
        cast: ["a"],
      },
      { inputs: [fitted, notFitted], facts: [] },
      { inputs: [verified("a")], facts: ["a ended verified"] },
    ],
  },
  {
    name: "no time counts before the image is there; the start timeout counts from then on",
    kind: "restore",
    spec: { ...spec, start: "all", startTimeoutMs: 60_000 },
    phases: [
      { after: 3_600_000, facts: [] },
      {
        inputs: [fitted, connected("a"), ready("a")],
        facts: ["fitted", "a ordered 1", "a readied"],
      },
      { after: 59_999, facts: [] },
      { after: 1, facts: ["opened timeout", "a joined"] },
    ],
  },
  {
    name: "what cannot be made to fit ends the session, and nothing was written",
    kind: "restore",
    spec,
    phases: [
      {
        inputs: [connected("a"), notFitted],
        facts: [
          "not-fitted",
          "a ended failed: not-fitted",
          "b ended failed: not-fitted",
          "closed failed",
        ],
        wanted: {},
        results: { a: "failed: the image could not be made to fit: no space" },
      },
      { inputs: [fitted], facts: [] },
    ],
  },
  {
    name: "an operator stops it while it is made to fit",
    kind: "restore",
    spec,
    phases: [
      {
        inputs: [stop],
        facts: ["a ended stopped: stopped", "b ended stopped: stopped", "closed stopped"],
      },
      { inputs: [fitted, notFitted], facts: [] },
    ],
  },
  {
    name: "PCs are taken out and let in meanwhile; without any left it ends",
    kind: "restore",
    spec,
    phases: [
      {
        inputs: [admit("c"), drop("a"), drop("b", "person"), lost("c")],
        facts: ["c admitted", "a ended stopped: dropped", "b ended stopped: stopped-at-pc"],
      },
      {
        inputs: [drop("c")],
        facts: ["c ended stopped: dropped", "opened nobody", "closed failed"],
      },
    ],
  },
  {
    name: "a server that was started anew goes on waiting",
    kind: "restore",
    spec,
    phases: [
      { inputs: [connected("a"), resumed], facts: [], wanted: {} },
      { after: 600_000, facts: [] },
      { inputs: [fitted, connected("a")], facts: ["fitted", "a ordered 1"], wanted: { a: 1 } },
      { inputs: [reported("a", done(1, "refused"))], facts: ["a ended failed: refused"] },
    ],
  },
  {
    name: "the canary waits for the image, and the others for the canary",
    kind: "restore",
    spec: { ...spec, canary: [{ pc: "a", name: "A" }] },
    phases: [
      { inputs: [connected("a"), connected("b")], facts: [], results: { a: waits, b: waits } },
      {
        inputs: [fitted, connected("b"), connected("a")],
        facts: ["fitted", "a ordered 1"],
        results: { b: "pending: waits for the canary A" },
      },
    ],
  },
];
