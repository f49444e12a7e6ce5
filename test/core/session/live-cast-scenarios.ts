/** What happens in live casts, as data. */
import { finishLimit, senderGrace } from "../../../core/session/decide-live.ts";
import {
  at,
  connected,
  done,
  drop,
  liveSpec,
  lost,
  notStored,
  planned,
  ready,
  reported,
  resumed,
  sealed,
  start,
  stop,
  stored,
  verified,
} from "./play.ts";
import type { Phase, Scenario } from "./scenario.ts";

/** The sender has its map, and one PC receives. */
const liveReceives: Phase = {
  inputs: [connected("s"), connected("a"), planned, connected("a"), ready("a")],
  facts: ["s planned", "a ordered 1", "a readied", "opened ready", "a joined"],
  wanted: { a: 1, s: 1 },
  cast: ["a"],
};

const live = liveSpec({ pcs: ["a"] });

export const liveCastScenarios: readonly Scenario[] = [
  {
    name: "a live cast orders its receivers when the sender knows what it sends, and ends by it",
    kind: "cast",
    spec: live,
    phases: [
      { inputs: [connected("s", at(1))], facts: [], wanted: { s: 1 } },
      liveReceives,
      { inputs: [sealed, sealed, planned], facts: ["sealed"] },
      {
        inputs: [verified("a")],
        facts: ["a ended verified", "closed done", "s sender-finishing"],
        wanted: { s: 1 },
      },
      {
        inputs: [reported("s", at(1)), reported("s", done(1, "done"))],
        facts: ["s sender-over"],
        wanted: {},
      },
    ],
  },
  {
    name: "a live cast verifies nobody before it is sealed",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      {
        inputs: [verified("a")],
        facts: ["a ended failed: root-hash", "closed failed", "s sender-over"],
      },
    ],
  },
  {
    name: "a sender that does not end is not waited for",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      {
        inputs: [sealed, verified("a")],
        facts: ["sealed", "a ended verified", "closed done", "s sender-finishing"],
      },
      { after: finishLimit, facts: ["s sender-over"] },
    ],
  },
  {
    name: "a plan that comes while the sender's connection is broken counts",
    kind: "cast",
    spec: live,
    phases: [
      {
        inputs: [connected("a"), lost("s"), planned, connected("a")],
        facts: ["s sender-went", "s planned", "a ordered 1"],
      },
      {
        inputs: [connected("s", at(1)), ready("a")],
        facts: ["s sender-sending", "a readied", "opened ready", "a joined"],
      },
    ],
  },
  {
    name: "a sender that is restarted before it has sent anything begins anew",
    kind: "cast",
    spec: live,
    phases: [
      {
        inputs: [lost("s"), lost("s"), connected("s")],
        facts: ["s sender-went", "s sender-mapping"],
        wanted: { s: 1 },
      },
      { inputs: [planned], facts: ["s planned"] },
      {
        inputs: [connected("s")],
        facts: ["a ended failed: cast", "closed failed", "s sender-over"],
        results: {
          a: "failed: the PC that sends, master, failed: it was restarted while it was sending",
        },
      },
    ],
  },
  {
    name: "nobody is given up while the sender maps; the start timeout counts from then on",
    kind: "cast",
    spec: liveSpec({ pcs: ["a", "b"], start: "all", startTimeoutMs: 60_000 }),
    phases: [
      { inputs: [connected("s"), connected("a"), start], facts: [], wanted: { s: 1 } },
      { after: 3_600_000, facts: [], results: { a: "pending", b: "pending" } },
      {
        inputs: [planned, connected("a"), ready("a")],
        facts: ["s planned", "a ordered 1", "a readied"],
      },
      { after: 59_999, facts: [] },
      { after: 1, facts: ["opened timeout", "a joined"], cast: ["a"] },
    ],
  },
  {
    name: "a live cast whose PCs are all taken out while the sender maps is over",
    kind: "cast",
    spec: live,
    phases: [
      {
        inputs: [drop("a")],
        facts: [...["a ended stopped: dropped", "opened nobody", "closed failed", "s sender-over"]],
      },
    ],
  },
  {
    name: "one that is to be stored goes on without them, and opens once there is a map",
    kind: "cast",
    spec: liveSpec({ pcs: ["a"], saveAs: "win" }),
    phases: [
      { inputs: [drop("a")], facts: ["a ended stopped: dropped"], cast: null },
      { inputs: [planned], facts: ["s planned", "opened nobody"], cast: [] },
      {
        inputs: [sealed, stored],
        facts: ["sealed", "stored", "closed failed", "s sender-finishing"],
      },
    ],
  },
  {
    name: "a sender that is gone breaks the cast after its grace",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      { inputs: [lost("s")], facts: ["s sender-went"], wanted: { a: 1, s: 1 } },
      { after: senderGrace, facts: ["a ended failed: cast", "closed failed", "s sender-over"] },
    ],
  },
  {
    name: "a sender that is lost while it maps is given up with everyone",
    kind: "cast",
    spec: live,
    phases: [
      {
        inputs: [stop],
        facts: ["a ended stopped: stopped", "closed stopped", "s sender-over"],
        wanted: {},
      },
    ],
  },
  {
    name: "the person at the sender stops the cast",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      {
        inputs: [drop("s", "person")],
        facts: ["a ended stopped: stopped", "closed stopped", "s sender-over"],
      },
    ],
  },
  {
    name: "a sender that says that it was stopped, or that it is done too early, ends the cast",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      {
        inputs: [reported("s", done(1, "failed"))],
        facts: ["a ended failed: cast", "closed failed", "s sender-over"],
        results: { a: "failed: the PC that sends, master, failed: no disk" },
      },
    ],
  },
  {
    name: "a sender that is lost as the room is done is not waited for",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      {
        inputs: [sealed, lost("s"), verified("a")],
        facts: ["sealed", "s sender-went", "a ended verified", "closed done", "s sender-over"],
      },
    ],
  },
  {
    name: "a sender that is stopped at its PC stops the cast",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      {
        inputs: [reported("s", done(1, "stopped"))],
        facts: ["a ended stopped: stopped", "closed stopped", "s sender-over"],
      },
    ],
  },
  {
    name: "a live cast that is to be stored is over when it is",
    kind: "cast",
    spec: liveSpec({ pcs: ["a"], saveAs: "win" }),
    phases: [
      liveReceives,
      { inputs: [sealed, verified("a")], facts: ["sealed", "a ended verified"] },
      { inputs: [stored, notStored], facts: ["stored", "closed done", "s sender-finishing"] },
      { inputs: [lost("s")], facts: ["s sender-over"] },
    ],
  },
  {
    name: "a live cast that could not be stored has failed, and its PCs are verified all the same",
    kind: "cast",
    spec: liveSpec({ pcs: ["a"], saveAs: "win" }),
    phases: [
      liveReceives,
      { inputs: [sealed, notStored, notStored], facts: ["sealed", "not-stored"] },
      {
        inputs: [verified("a")],
        facts: ["a ended verified", "closed failed", "s sender-finishing"],
        results: { a: "verified" },
      },
    ],
  },
  {
    name: "a live cast does not outlive its server",
    kind: "cast",
    spec: live,
    phases: [
      liveReceives,
      { inputs: [resumed], facts: ["a ended failed: cast", "closed failed", "s sender-over"] },
    ],
  },
];
