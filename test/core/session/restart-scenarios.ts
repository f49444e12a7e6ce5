/** Servers that are started anew in mid-session, as data. */
import { bootGrace, rejoinGrace, restartGrace } from "../../../core/session/member.ts";
import { at, booting, connected, lost, ready, restoreSpec, resumed, verified } from "./play.ts";
import { bothReceive, one, oneReceives, type Scenario } from "./scenario.ts";

export const restartScenarios: readonly Scenario[] = [
  {
    name: "after a restart of the server everyone is waited for, and the cast is wanted again",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b", "c", "d"] }),
    phases: [
      bothReceive,
      {
        inputs: [verified("a"), connected("c"), lost("c")],
        facts: ["a ended verified", "c ordered 1", "c went"],
      },
      { inputs: [resumed], facts: ["b went", "c awaited", "d awaited"], cast: [] },
      {
        inputs: [connected("b", at(1)), ready("b")],
        facts: ["b returned", "b readied", "b joined"],
        cast: ["b"],
      },
      { inputs: [verified("b")], facts: ["b ended verified"] },
      { after: restartGrace - 1, facts: [] },
      { after: 1, facts: ["c ended failed: lost", "d ended failed: absent", "closed done"] },
    ],
  },
  {
    name: "a restart of the server gives PCs that are starting as long again",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b", "c"] }),
    phases: [
      oneReceives,
      {
        inputs: [lost("a"), booting("a"), booting("b")],
        facts: ["a went", "a awaited", "b awaited"],
      },
      {
        after: bootGrace - 1,
        inputs: [resumed],
        facts: ["a awaited", "b awaited", "c awaited"],
      },
      { after: restartGrace - 1, facts: [] },
      {
        after: 1,
        facts: [
          ...["a ended failed: lost", "b ended failed: absent", "c ended failed: absent"],
          "closed failed",
        ],
      },
    ],
  },
  {
    name: "for a PC that nobody has heard of, a restart of the server takes no longer",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b"] }),
    phases: [
      oneReceives,
      { inputs: [resumed], facts: ["a went", "b awaited"] },
      {
        inputs: [connected("a", at(1)), verified("a")],
        facts: ["a returned", "a ended verified"],
      },
      { after: rejoinGrace, facts: ["b ended failed: absent", "closed done"] },
    ],
  },
  {
    name: "a PC that a restart of the server lost is told so",
    kind: "restore",
    spec: one,
    phases: [
      oneReceives,
      {
        inputs: [resumed],
        facts: ["a went"],
        results: {
          a: "failed: the server was restarted and the PC has not come back; it may come back",
        },
      },
      {
        after: restartGrace - 1,
        facts: [],
      },
      {
        after: 1,
        facts: ["a ended failed: server-restarted", "closed failed"],
        results: { a: "failed: the server was restarted and the PC has not come back" },
      },
    ],
  },
];
