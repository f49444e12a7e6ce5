/** What happens in sessions, as data: inputs in turn, and what has to follow from each. */

import type { Input, PcId } from "../../../core/session/kind.ts";
import { finishLimit, senderGrace } from "../../../core/session/kinds/live-cast.ts";
import { bootGrace, readyLimit, rejoinGrace, restartGrace } from "../../../core/session/member.ts";
import type { KindName } from "../../../core/session/registry.ts";
import {
  admit,
  alone,
  at,
  booting,
  broken,
  connected,
  delivery,
  done,
  drop,
  lane,
  liveSpec,
  lost,
  notStored,
  progress,
  ready,
  reported,
  restoreSpec,
  sealed,
  stored,
  verified,
} from "./play.ts";

export interface Phase {
  /** Lab time that passes before, in milliseconds; alone it is a tick. */
  readonly after?: number;
  readonly inputs?: readonly Input[];
  /** Of all the inputs of the phase, in short words. */
  readonly facts: readonly string[];
  readonly wanted?: Readonly<Record<PcId, number>>;
  readonly cast?: readonly PcId[] | null;
  readonly results?: Readonly<Record<PcId, string>>;
}

export interface Scenario {
  readonly name: string;
  readonly kind: KindName;
  readonly spec: unknown;
  readonly phases: readonly Phase[];
}

const wipeSpec = { ...alone, method: "zero", failingDisks: [] };
const captureSpec = { ...alone, name: "master", raw: false };
const stop: Input = { type: "stop" };
const start: Input = { type: "start" };
const resumed: Input = { type: "resumed" };
const planned: Input = { type: "planned" };
const taken = (pc: PcId): Input => ({ type: "taken", pc });

/** Both PCs are there and receive. */
const bothReceive: Phase = {
  inputs: [connected("a"), ready("a"), connected("b"), ready("b")],
  facts: [
    ...["a ordered 1", "a readied", "opened ready", "a joined"],
    ...["b ordered 1", "b readied", "b joined"],
  ],
  wanted: { a: 1, b: 1 },
  cast: ["a", "b"],
};

const oneReceives: Phase = {
  inputs: [connected("a"), ready("a")],
  facts: ["a ordered 1", "a readied", "opened ready", "a joined"],
};

const one = restoreSpec({ pcs: ["a"] });

/** The sender has its map, and one PC receives. */
const liveReceives: Phase = {
  inputs: [connected("s"), connected("a"), planned, connected("a"), ready("a")],
  facts: ["s planned", "a ordered 1", "a readied", "opened ready", "a joined"],
  wanted: { a: 1, s: 1 },
  cast: ["a"],
};

const live = liveSpec({ pcs: ["a"] });

export const scenarios: readonly Scenario[] = [
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
      {
        after: rejoinGrace,
        facts: ["c ended failed: lost", "d ended failed: absent", "closed done"],
      },
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

  // --- live casts
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

  // --- captures and wipes
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
          a: "failed: the server was restarted during the capture; capture again: chunks that arrived are kept",
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
