/** PCs that go away in mid-session, come back, or never came, as data. */
import { bootGrace, readyLimit, rejoinGrace } from "../../../core/session/member.ts";
import {
  admit,
  at,
  booting,
  connected,
  done,
  lost,
  progress,
  ready,
  restoreSpec,
  taken,
  verified,
} from "./play.ts";
import { bothReceive, one, oneReceives, type Scenario } from "./scenario.ts";

export const awayScenarios: readonly Scenario[] = [
  {
    name: "a PC that is gone is failed at once, stops nobody, and the session ends after the grace",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      {
        inputs: [lost("b")],
        facts: ["b went"],
        wanted: { a: 1, b: 1 },
        cast: ["a"],
        results: { b: "failed: gone; it may come back" },
      },
      { inputs: [verified("a")], facts: ["a ended verified"] },
      { after: rejoinGrace - 1, facts: [] },
      { after: 1, facts: ["b ended failed: lost", "closed done"], results: { b: "failed: gone" } },
    ],
  },
  {
    name: "a PC that was started anew hashes its disk first, and finishes",
    kind: "restore",
    spec: one,
    phases: [
      oneReceives,
      {
        after: 1000,
        inputs: [lost("a"), connected("a")],
        facts: ["a went", "a ordered 2 scan"],
        wanted: { a: 2 },
      },
      { inputs: [verified("a"), ready("a")], facts: [], results: { a: "pending" } },
      {
        inputs: [ready("a", 2), verified("a", 2)],
        facts: ["a readied", "a joined", "a ended verified", "closed done"],
      },
    ],
  },
  {
    name: "a PC whose connection broke goes on with the attempt that it is at, wherever that is",
    kind: "restore",
    spec: one,
    phases: [
      {
        inputs: [connected("a"), lost("a"), connected("a", at(1))],
        facts: ["a ordered 1", "a went", "a returned"],
      },
      {
        inputs: [connected("a", at(1)), ready("a")],
        facts: ["a readied", "opened ready", "a joined"],
      },
      {
        inputs: [connected("a", at(1)), ready("a")],
        facts: ["a returned", "a readied", "a joined"],
      },
      { inputs: [progress("a", "verifying")], facts: ["a received"] },
      {
        inputs: [connected("a", at(1)), ready("a")],
        facts: ["a returned", "a readied", "a joined"],
      },
      { inputs: [verified("a")], facts: ["a ended verified", "closed done"] },
    ],
  },
  {
    name: "an order that was met in its agent's absence is settled when it comes back",
    kind: "restore",
    spec: one,
    phases: [
      oneReceives,
      {
        inputs: [lost("a"), connected("a", done(1, "verified", "ab".repeat(32)))],
        facts: ["a went", "a ended verified", "closed done"],
        wanted: {},
      },
    ],
  },
  {
    name: "a PC that is restarted while it waits for the others is ordered anew",
    kind: "restore",
    spec: restoreSpec({ start: "all" }),
    phases: [
      { inputs: [connected("a"), connected("a")], facts: ["a ordered 1", "a ordered 2"] },
      { inputs: [ready("a", 2), connected("a")], facts: ["a readied", "a ordered 3"] },
      {
        inputs: [ready("a", 3), connected("a", at(3)), ready("a", 3), lost("a")],
        facts: ["a readied", "a returned", "a readied", "a went"],
      },
    ],
  },
  {
    name: "a PC that is restarted in mid-session before its loss is noticed is ordered anew",
    kind: "restore",
    spec: one,
    phases: [
      oneReceives,
      {
        inputs: [connected("a"), ready("a", 2)],
        facts: ["a ordered 2 scan", "a readied", "a joined"],
      },
      {
        inputs: [progress("a", "verifying", 2), connected("a")],
        facts: ["a received", "a ordered 3 scan"],
      },
    ],
  },
  {
    name: "a lost PC that boots anew is given the time that a boot takes",
    kind: "restore",
    spec: one,
    phases: [
      oneReceives,
      { inputs: [lost("a"), booting("a"), booting("a")], facts: ["a went", "a awaited"] },
      { after: rejoinGrace, facts: [] },
      { after: bootGrace, facts: ["a ended failed: lost", "closed failed"] },
    ],
  },
  {
    name: "a PC that never came is named, and one that is booting is waited for",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b", "c"] }),
    phases: [
      { inputs: [booting("c")], facts: ["c awaited"] },
      { inputs: oneReceives.inputs ?? [], facts: oneReceives.facts },
      { inputs: [verified("a")], facts: ["a ended verified"] },
      {
        after: bootGrace,
        facts: ["b ended failed: absent", "c ended failed: absent", "closed done"],
        results: {
          b: "failed: the PC was not on, or did not reach the server",
          c: "failed: the PC asked for its boot files, but its agent did not come: see its screen",
        },
      },
    ],
  },
  {
    name: "an ordered PC that hangs is given up; one that hashes its disk is not",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      { inputs: [connected("a"), connected("b")], facts: ["a ordered 1", "b ordered 1"] },
      {
        after: readyLimit - 1,
        inputs: [progress("b", "scanning"), progress("b", "scanning")],
        facts: ["b heard"],
      },
      {
        after: 1,
        facts: ["a ended failed: unready"],
        wanted: { b: 1 },
        results: {
          a: "failed: the PC answers, but did not get ready within a minute",
          b: "pending",
        },
      },
      // It was told to stop, so what it reports of that attempt is no end of ours.
      {
        inputs: [connected("a", done(1, "stopped"))],
        facts: ["a admitted", "a ordered 2"],
        wanted: { a: 2, b: 1 },
      },
    ],
  },
  {
    name: "a PC that was given up and comes back while its session runs is let in again, and resumes",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      { inputs: [lost("a"), lost("b")], facts: ["a went", "b went"] },
      { inputs: [booting("b")], facts: ["b awaited"] },
      { after: rejoinGrace, facts: ["a ended failed: lost"], wanted: { b: 1 } },
      // The connection had broken, the agent had not.
      {
        inputs: [connected("a", at(1)), ready("a")],
        facts: ["a admitted", "a returned", "a readied", "a joined"],
      },
      { after: bootGrace, facts: ["b ended failed: lost"] },
      // It was started anew.
      {
        inputs: [connected("b")],
        facts: ["b admitted", "b ordered 2 scan"],
        wanted: { a: 1, b: 2 },
      },
    ],
  },
  {
    name: "what a PC had finished before it was given up counts when it comes back",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      { inputs: [lost("a")], facts: ["a went"] },
      { after: rejoinGrace, facts: ["a ended failed: lost"] },
      {
        inputs: [connected("a", done(1, "verified", "ab".repeat(32)))],
        facts: ["a admitted", "a ended verified"],
        wanted: { b: 1 },
      },
    ],
  },
  {
    name: "a PC that another session was given is not let in again",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      { inputs: [taken("a"), lost("a")], facts: ["a went"] },
      { after: rejoinGrace, facts: ["a ended failed: lost"] },
      {
        inputs: [taken("a"), taken("a"), connected("a")],
        facts: ["a taken"],
        results: { a: "failed: gone; another session has had it since" },
      },
      { inputs: [admit("a"), connected("a")], facts: ["a admitted", "a ordered 2 scan"] },
    ],
  },
];
