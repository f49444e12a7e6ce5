/** PCs that come up as themselves or do not, and canaries that go first: as scenario.ts. */

import { arpSteady } from "../../../core/session/boot-proof.ts";
import type { Input, PcId } from "../../../core/session/kind.ts";
import type { Sign } from "../../../core/session/sign.ts";
import {
  admit,
  booting,
  connected,
  done,
  drop,
  liveSpec,
  lost,
  ready,
  reported,
  restoreSpec,
  resumed,
  sealed,
  stop,
  verified,
} from "./play.ts";
import type { Phase, Scenario } from "./scenario.ts";

const proveBootMs = 300_000;
const seen = (pc: PcId, sign: Sign): Input => ({ type: "seen", pc, sign });
export const dhcp = (pc: PcId): Input =>
  seen(pc, { kind: "dhcp", system: "Debian", host: "lab1-a3" });
const arp = (pc: PcId): Input => seen(pc, { kind: "arp", address: "10.77.0.5" });
export const loader = (pc: PcId): Input => seen(pc, { kind: "loader" });
const ssh = (pc: PcId): Input => {
  const banner = "SSH-2.0-OpenSSH_9.2p1 Debian-2";
  return seen(pc, { kind: "ssh", address: "10.77.0.5", banner });
};

const one = restoreSpec({ pcs: ["a"], afterwards: "reboot", proveBootMs });
const two = restoreSpec({ afterwards: "reboot", proveBootMs });
const canary = [{ pc: "a", name: "lab1-a1" }];

const restored = (...others: readonly string[]): Phase => ({
  inputs: [connected("a"), ready("a"), verified("a")],
  facts: [
    ...["a ordered 1", "a readied", "opened ready", "a joined", "a ended verified", "a proving"],
    ...others,
  ],
});
/** The same, while another PC has its part before it. */
const besides: Phase = {
  inputs: [connected("b"), connected("a"), ready("a"), verified("a")],
  facts: ["b ordered 1", ...restored().facts],
};
const left: Phase = { after: 5000, inputs: [lost("a")], facts: ["a left"] };

const canaryRestored: Phase = {
  inputs: [connected("b"), connected("a"), ready("a"), verified("a")],
  facts: ["a ordered 1", "a readied", "a joined", "a ended verified"],
};

export const proofScenarios: readonly Scenario[] = [
  {
    name: "a PC whose system asks for an address has come up, and the session is over then",
    kind: "restore",
    spec: one,
    phases: [
      { ...restored("settled"), wanted: {}, cast: null, results: { a: "verified" } },
      left,
      { after: 34_000, inputs: [loader("a"), dhcp("a")], facts: ["a booted 34", "closed done"] },
      { inputs: [dhcp("a"), lost("a")], facts: [] },
    ],
  },
  {
    name: "a PC that is not seen is missing, and stays verified",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      left,
      { after: proveBootMs - 1, facts: [] },
      { after: 1, facts: ["a unbooted silent", "closed done"], results: { a: "verified" } },
    ],
  },
  {
    name: "nothing is proven while the agent is there",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      { inputs: [dhcp("a"), ssh("a"), arp("a")], facts: [] },
      { after: proveBootMs, facts: ["a unbooted stayed", "closed done"] },
    ],
  },
  {
    name: "ARP is a system's when it goes on without a boot loader",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      { inputs: [arp("a")], facts: [] },
      left,
      { inputs: [arp("a")], facts: [] },
      { after: arpSteady - 1, inputs: [arp("a"), booting("a")], facts: [] },
      { after: 1, inputs: [arp("a")], facts: [] },
      { after: arpSteady - 1, inputs: [arp("a")], facts: [] },
      { after: 1, inputs: [arp("a")], facts: [`a booted ${arpSteady / 1000}`, "closed done"] },
    ],
  },
  {
    name: "an agent that is back after a boot loader has started from the network",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      left,
      {
        after: 20_000,
        inputs: [booting("a"), connected("a")],
        facts: ["a unbooted network", "closed done"],
      },
    ],
  },
  {
    name: "a link that breaks is no restart, and does not move the end for ever",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      { after: 200_000, inputs: [lost("a"), connected("a")], facts: ["a left", "a came-back"] },
      { after: 200_000, inputs: [lost("a"), connected("a")], facts: ["a left", "a came-back"] },
      { after: 200_000, inputs: [lost("a"), connected("a")], facts: ["a left", "a came-back"] },
      { after: 200_000, inputs: [lost("a")], facts: ["a left"] },
      { after: 100_000, facts: ["a unbooted silent", "closed done"] },
    ],
  },
  {
    name: "who comes up late is up, while the session runs and no other has it",
    kind: "restore",
    spec: two,
    phases: [
      besides,
      left,
      { inputs: [ready("b")], facts: ["b readied", "b joined"] },
      { after: proveBootMs, facts: ["a unbooted silent"] },
      { inputs: [arp("a")], facts: [] },
      { inputs: [ssh("a")], facts: ["a booted 300"] },
      { inputs: [verified("b")], facts: ["b ended verified", "b proving", "settled"] },
      { inputs: [drop("b")], facts: ["b unbooted dropped", "closed done"] },
    ],
  },
  {
    name: "another session that takes the PC ends the wait",
    kind: "restore",
    spec: two,
    phases: [
      besides,
      left,
      { inputs: [{ type: "taken", pc: "a" }, dhcp("a")], facts: ["a unbooted taken"] },
      {
        inputs: [ready("b"), verified("b")],
        facts: ["b readied", "b joined", "b ended verified", "b proving", "settled"],
      },
      { inputs: [lost("b")], facts: ["b left"] },
      { after: proveBootMs, facts: ["b unbooted silent", "closed done"] },
    ],
  },
  {
    name: "a missing PC that another session takes cannot come up here any more",
    kind: "restore",
    spec: two,
    phases: [
      besides,
      left,
      { inputs: [ready("b")], facts: ["b readied", "b joined"] },
      { after: proveBootMs, facts: ["a unbooted silent"] },
      { inputs: [{ type: "taken", pc: "a" }, ssh("a")], facts: ["a unbooted taken"] },
    ],
  },
  {
    name: "an operator ends the wait, and what is verified stays so",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      left,
      { inputs: [stop], facts: ["a unbooted stopped", "closed done"], results: { a: "verified" } },
    ],
  },
  {
    name: "the wait outlives the server",
    kind: "restore",
    spec: one,
    phases: [
      restored("settled"),
      { inputs: [resumed], facts: ["a left"] },
      { inputs: [connected("a"), lost("a")], facts: ["a came-back", "a left"] },
      { after: 1000, inputs: [resumed, dhcp("a")], facts: ["a booted 1", "closed done"] },
    ],
  },
  {
    name: "nobody is let in once all have ended",
    kind: "restore",
    spec: two,
    phases: [
      besides,
      left,
      {
        inputs: [lost("b")],
        facts: ["b went"],
      },
      { after: 30_000, facts: ["b ended failed: lost", "settled"] },
      { inputs: [connected("b"), { type: "admit", pc: "b" }], facts: [], wanted: {} },
      { inputs: [{ type: "taken", pc: "b" }], facts: ["b taken"] },
      { inputs: [dhcp("a")], facts: ["a booted 30", "closed done"] },
    ],
  },
  {
    name: "the sender of a live cast need not wait for the room to come up",
    kind: "cast",
    spec: liveSpec({ pcs: ["a"], proveBootMs }),
    phases: [
      {
        inputs: [connected("s"), connected("a"), { type: "planned" }, connected("a"), ready("a")],
        facts: ["s planned", "a ordered 1", "a readied", "opened ready", "a joined"],
      },
      {
        inputs: [sealed, verified("a")],
        facts: ["sealed", "a ended verified", "a proving", "settled", "s sender-finishing"],
      },
      { inputs: [reported("s", done(1, "done"))], facts: ["s sender-over"], wanted: {} },
      { inputs: [lost("a"), dhcp("a")], facts: ["a left", "a booted 0", "closed done"] },
    ],
  },
  // --- canaries
  {
    name: "nobody but the canary is ordered before it is verified",
    kind: "restore",
    spec: restoreSpec({ canary }),
    phases: [
      { inputs: [connected("b"), connected("b")], facts: [], wanted: {}, cast: null },
      {
        inputs: [connected("a"), ready("a")],
        facts: ["a ordered 1", "a readied", "a joined"],
        wanted: { a: 1 },
        cast: ["a"],
        results: { b: "pending: waits for the canary lab1-a1" },
      },
      { inputs: [verified("a")], facts: ["a ended verified", "canary-passed"], cast: [] },
      {
        inputs: [connected("b"), ready("b")],
        facts: ["b ordered 1", "b readied", "opened ready", "b joined"],
        wanted: { b: 1 },
      },
    ],
  },
  {
    name: "with a proof, the canary has to come up, too",
    kind: "restore",
    spec: { ...two, canary },
    phases: [
      { ...canaryRestored, facts: [...canaryRestored.facts, "a proving"] },
      { inputs: [lost("a"), connected("b")], facts: ["a left"], wanted: {} },
      {
        inputs: [dhcp("a"), connected("b")],
        facts: ["a booted 0", "canary-passed", "b ordered 1"],
      },
    ],
  },
  {
    name: "a canary that does not come up stops the others before anything is touched",
    kind: "restore",
    spec: { ...two, canary },
    phases: [
      { ...canaryRestored, facts: [...canaryRestored.facts, "a proving"] },
      { inputs: [lost("a")], facts: ["a left"] },
      {
        after: proveBootMs,
        facts: ["a unbooted silent", "b ended stopped: canary", "closed failed"],
        results: {
          a: "verified",
          b: "stopped: the canary lab1-a1 did not come up, missing after 5 min: nothing was seen of its own system",
        },
      },
    ],
  },
  {
    name: "a canary that is not verified stops the others",
    kind: "restore",
    spec: restoreSpec({ canary }),
    phases: [
      {
        inputs: [connected("a"), reported("a", done(1, "failed"))],
        facts: ["a ordered 1", "a ended failed: agent", "b ended stopped: canary", "closed failed"],
        results: { b: "stopped: the canary lab1-a1 was not verified: no disk" },
      },
    ],
  },
  {
    name: "each of several canaries is let come to its end",
    kind: "restore",
    spec: restoreSpec({
      pcs: ["a", "b", "c"],
      canary: [...canary, { pc: "b", name: "lab1-a2" }],
    }),
    phases: [
      {
        inputs: [connected("a"), connected("b"), ready("b"), reported("a", done(1, "failed"))],
        facts: ["a ordered 1", "b ordered 1", "b readied", "b joined", "a ended failed: agent"],
        wanted: { b: 1 },
      },
      {
        inputs: [verified("b")],
        facts: ["b ended verified", "c ended stopped: canary", "closed failed"],
      },
    ],
  },
  {
    name: "a canary that is off is waited for until the start timeout, and `start` does not skip it",
    kind: "restore",
    spec: restoreSpec({ canary, startTimeoutMs: 60_000 }),
    phases: [
      { inputs: [{ type: "start" }, connected("b")], facts: [] },
      {
        after: 60_000,
        facts: ["a ended failed: absent", "b ended stopped: canary", "closed failed"],
      },
    ],
  },
  {
    name: "a canary that was off, and is admitted after the start timeout, is waited for anew",
    kind: "restore",
    spec: restoreSpec({
      pcs: ["a", "b", "c"],
      canary: [...canary, { pc: "b", name: "lab1-b1" }],
      startTimeoutMs: 60_000,
    }),
    phases: [
      {
        inputs: [connected("a"), ready("a")],
        facts: ["a ordered 1", "a readied", "a joined"],
      },
      { after: 60_000, facts: ["b ended failed: absent"] },
      { after: 1000, inputs: [admit("b")], facts: ["b admitted"] },
      { after: 59_000, inputs: [connected("b")], facts: ["b ordered 1"] },
    ],
  },
  {
    name: "the start timeout of the others counts from the canary's end",
    kind: "restore",
    spec: restoreSpec({ pcs: ["a", "b", "c"], canary, start: "all", startTimeoutMs: 60_000 }),
    phases: [
      {
        after: 40_000,
        inputs: [connected("a"), ready("a"), verified("a"), connected("b"), ready("b")],
        facts: [
          ...["a ordered 1", "a readied", "a joined", "a ended verified", "canary-passed"],
          ...["b ordered 1", "b readied"],
        ],
      },
      { after: 59_999, facts: [] },
      { after: 1, facts: ["opened timeout", "b joined"] },
    ],
  },
  {
    name: "a session that is stopped while its canary works is stopped",
    kind: "restore",
    spec: restoreSpec({ canary }),
    phases: [
      {
        inputs: [connected("a"), stop],
        facts: [
          ...["a ordered 1", "a ended stopped: stopped", "b ended stopped: stopped"],
          "closed stopped",
        ],
      },
    ],
  },
];
