/** What happens in restores, as data: how they begin, how each PC ends, and what operators want. */
import {
  admit,
  booting,
  broken,
  connected,
  delivery,
  done,
  drop,
  lane,
  lost,
  progress,
  ready,
  reported,
  restoreSpec,
  start,
  stop,
  verified,
} from "./play.ts";
import { bothReceive, one, oneReceives, type Scenario } from "./scenario.ts";

export const restoreScenarios: readonly Scenario[] = [
  {
    name: "who is there is served without waiting for a head-count",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      { facts: [], cast: null },
      // The cast is opened while the PC makes its disk ready.
      { inputs: [connected("a")], facts: ["a ordered 1"], wanted: { a: 1 }, cast: [] },
      {
        inputs: [ready("a")],
        facts: ["a readied", "opened ready", "a joined"],
        cast: ["a"],
      },
      { inputs: [connected("b"), ready("b")], facts: ["b ordered 1", "b readied", "b joined"] },
      { inputs: [verified("a")], facts: ["a ended verified"], wanted: { b: 1 }, cast: ["b"] },
      { inputs: [verified("b")], facts: ["b ended verified", "closed done"], wanted: {} },
    ],
  },
  {
    name: "`all` waits for everyone, and a timeout starts with who is there",
    kind: "restore",
    spec: restoreSpec({ start: "all", startTimeoutMs: 5000 }),
    phases: [
      { inputs: [connected("a"), ready("a")], facts: ["a ordered 1", "a readied"], cast: [] },
      { after: 5000, facts: ["opened timeout", "a joined"], cast: ["a"] },
    ],
  },
  {
    name: "a number starts with that many",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b", "c"], start: 2 }),
    phases: [
      { inputs: [connected("a"), ready("a")], facts: ["a ordered 1", "a readied"] },
      {
        inputs: [connected("b"), ready("b")],
        facts: ["b ordered 1", "b readied", "opened ready", "a joined", "b joined"],
      },
    ],
  },
  {
    name: "an operator may start earlier",
    kind: "restore",
    spec: restoreSpec({ start: 2 }),
    phases: [
      { inputs: [connected("a"), ready("a")], facts: ["a ordered 1", "a readied"] },
      { inputs: [start, start], facts: ["opened operator", "a joined"], cast: ["a"] },
    ],
  },
  {
    name: "a number of PCs that can no longer come is not waited for",
    kind: "restore",
    spec: restoreSpec({ start: 2 }),
    phases: [
      { inputs: [connected("a"), ready("a")], facts: ["a ordered 1", "a readied"] },
      {
        inputs: [connected("b"), reported("b", done(1, "refused"))],
        facts: ["b ordered 1", "b ended failed: refused", "opened ready", "a joined"],
      },
    ],
  },
  {
    name: "a PC ends where its agent ends, while it waits for the others too",
    kind: "restore",
    spec: restoreSpec({ start: 3 }),
    phases: [
      {
        inputs: [admit("c"), connected("a"), ready("a"), drop("a")],
        facts: ["c admitted", "a ordered 1", "a readied", "a ended stopped: dropped"],
      },
      {
        inputs: [connected("b"), ready("b"), start],
        facts: ["b ordered 1", "b readied", "opened operator", "b joined"],
      },
      {
        inputs: [progress("b", "personalising"), verified("b")],
        facts: ["b received", "b ended verified", "c ended failed: absent", "closed done"],
      },
    ],
  },
  {
    name: "the agent's word is not enough: another root hash is a failure",
    kind: "restore",
    spec: one,
    phases: [
      oneReceives,
      {
        inputs: [verified("a", 1, "cd".repeat(32))],
        facts: ["a ended failed: root-hash", "closed failed"],
        results: { a: "failed: the disk read back is not this image (another root hash)" },
      },
    ],
  },
  {
    name: "stop wants nothing of anybody, and nothing follows",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      { inputs: oneReceives.inputs ?? [], facts: oneReceives.facts },
      {
        inputs: [stop, connected("b"), stop, ready("a"), lost("a"), booting("b")],
        facts: ["a ended stopped: stopped", "b ended stopped: stopped", "closed stopped"],
        results: { a: "stopped: stopped by an operator" },
      },
    ],
  },
  {
    name: "a session that nobody has come to can be stopped",
    kind: "restore",
    spec: one,
    phases: [{ inputs: [stop], facts: ["a ended stopped: stopped", "closed stopped"] }],
  },
  {
    name: "a dropped PC is stopped and the others go on; let in again it begins anew",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      {
        inputs: [drop("a"), drop("a"), connected("a")],
        facts: ["a ended stopped: dropped"],
        wanted: { b: 1 },
        results: { a: "stopped: taken out by an operator" },
      },
      { inputs: [admit("a"), admit("a")], facts: ["a admitted"], results: { a: "pending" } },
      // What it came to at the attempt before is known.
      {
        inputs: [reported("a", done(1, "stopped")), connected("a", done(1, "stopped"))],
        facts: ["a ordered 2 scan"],
      },
      {
        inputs: [drop("a", "person")],
        facts: ["a ended stopped: stopped-at-pc"],
        results: { a: "stopped: stopped at the PC" },
      },
      { inputs: [admit("a"), drop("a")], facts: ["a admitted", "a ended stopped: dropped"] },
    ],
  },
  {
    name: "a verified PC is not let in again, and a newcomer is",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      {
        inputs: [verified("a"), admit("a"), connected("a"), drop("a")],
        facts: ["a ended verified"],
      },
      {
        inputs: [admit("z"), connected("z"), ready("z")],
        facts: ["z admitted", "z ordered 1", "z readied", "z joined"],
      },
      { inputs: [verified("b")], facts: ["b ended verified"] },
      { inputs: [verified("z")], facts: ["z ended verified", "closed done"] },
    ],
  },
  {
    name: "a broken cast fails everyone that had not ended, with the cause",
    kind: "restore",
    spec: restoreSpec(),
    phases: [
      bothReceive,
      { inputs: [verified("a")], facts: ["a ended verified"] },
      {
        inputs: [broken],
        facts: ["b ended failed: cast", "closed failed"],
        results: { a: "verified", b: "failed: chunk 7 is damaged" },
      },
    ],
  },
  {
    name: "how the agent ends is how the PC ends",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b", "c", "d", "e"] }),
    phases: [
      {
        inputs: ["a", "b", "c", "d", "e"].map((pc) => connected(pc)),
        facts: ["a", "b", "c", "d", "e"].map((pc) => `${pc} ordered 1`),
      },
      {
        inputs: [
          reported("a", done(1, "failed")),
          reported("b", done(1, "refused")),
          reported("c", done(1, "stopped")),
          reported("d", done(1, "done")),
          { type: "no-wants", pc: "e" },
        ],
        facts: [
          ...["a ended failed: agent", "b ended failed: refused", "c ended stopped: stopped-at-pc"],
          ...[
            "d ended failed: agent",
            "e ended failed: no-wants",
            "opened nobody",
            "closed failed",
          ],
        ],
        results: { a: "failed: no disk", e: "failed: its agent did not say which chunks it wants" },
      },
    ],
  },
  {
    name: "a disk that does not answer is trouble, whatever its PC is at",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a"], start: 2 }),
    phases: [
      {
        inputs: [connected("a"), progress("a", "scanning", 1, "it hangs")],
        facts: ["a ordered 1", "a troubled"],
      },
      { inputs: [ready("a"), start], facts: ["a readied", "opened ready", "a joined"] },
      { inputs: [progress("a", "receiving"), progress("a", "receiving")], facts: ["a troubled"] },
      {
        inputs: [progress("a", "verifying", 1, "it hangs")],
        facts: ["a troubled", "a received"],
        results: { a: "pending: it hangs" },
      },
      { inputs: [progress("a", "verifying")], facts: ["a troubled"] },
    ],
  },
  {
    name: "who lags or hears no multicast is told once for each change, and not when it is lost",
    kind: "restore",
    spec: restoreSpec({ start: "all" }),
    phases: [
      {
        inputs: [connected("a"), delivery("a", "deaf"), ready("a"), delivery("a", "deaf")],
        facts: ["a ordered 1", "a readied", "a unicast"],
      },
      { inputs: [progress("a", "scanning", 1, "slow"), lane("a", "slow")], facts: ["a troubled"] },
      {
        inputs: [connected("b"), ready("b")],
        facts: ["b ordered 1", "b readied", "opened ready", "a joined", "b joined"],
      },
      {
        inputs: [lane("a", "slow"), lane("a", "slower"), delivery("a", null)],
        facts: ["a straggled", "a unicast"],
      },
      {
        inputs: [progress("a", "verifying", 1, "slow"), lane("a", null), delivery("a", "deaf")],
        facts: ["a received", "a straggled", "a unicast"],
      },
      { inputs: [lost("a"), lane("a", "slow"), delivery("a", null)], facts: ["a went"] },
    ],
  },
  {
    name: "a word of another attempt is left",
    kind: "restore",
    spec: one,
    phases: [
      { inputs: [connected("a"), connected("a")], facts: ["a ordered 1", "a ordered 2"] },
      {
        inputs: [
          ready("a"),
          verified("a"),
          progress("a", "scanning"),
          delivery("a", "deaf"),
          verified("a", 3),
        ],
        facts: [],
        wanted: { a: 2 },
      },
    ],
  },
];
