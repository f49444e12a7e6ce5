import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Input, newGauges } from "../../../core/session/kind.ts";
import { memberViews, missingTexts, sessionState } from "../../../core/session/receivers-view.ts";
import { type KindName, kindNamed, kinds, type SpecOf } from "../../../core/session/registry.ts";
import type { PcState } from "../../../core/wire/views.ts";
import { watchTables } from "../../lab/tables.ts";
import { drawn } from "../../property.ts";
import { aloneScenarios } from "./alone-scenarios.ts";
import { awayScenarios } from "./away-scenarios.ts";
import { dhcp, loader, proofScenarios } from "./boot-proof-scenarios.ts";
import { fitScenarios } from "./fit-scenarios.ts";
import { liveCastScenarios } from "./live-cast-scenarios.ts";
import {
  admit,
  alone,
  at,
  booting,
  broken,
  connected,
  counters,
  delivery,
  done,
  drop,
  fitted,
  lane,
  liveSpec,
  lost,
  notFitted,
  notStored,
  Played,
  progress,
  ready,
  reported,
  restoreSpec,
  root,
  sealed,
  stored,
  verified,
} from "./play.ts";
import { restartScenarios } from "./restart-scenarios.ts";
import { restoreScenarios } from "./restore-scenarios.ts";

const untaken = watchTables();

const scenarios = [
  ...restoreScenarios,
  ...awayScenarios,
  ...restartScenarios,
  ...liveCastScenarios,
  ...aloneScenarios,
  ...proofScenarios,
  ...fitScenarios,
];

test("each kind's view has the disks of its order, as whoever orders it again has to know them", () => {
  const disks = { disk: "/dev/sdb", failingDisks: ["WORN"] };
  const of = <K extends KindName>(name: K, spec: SpecOf<K>) => {
    const { disk, failingDisks } = new Played(name, spec).view;
    return { disk, failingDisks };
  };
  assert.deepEqual(of("restore", restoreSpec(disks)), disks);
  assert.deepEqual(of("cast", liveSpec(disks)), disks);
  assert.deepEqual(of("wipe", { ...alone, method: "zero", ...disks }), disks);
  const captured = of("capture", { ...alone, name: "base", raw: false, disk: disks.disk });
  assert.deepEqual(captured, { disk: disks.disk, failingDisks: [] });
});

for (const { name, kind, spec, phases } of scenarios) {
  test(`${kind}: ${name}`, () => {
    const played = new Played(kind, spec as SpecOf<KindName>);
    for (const [index, { after, inputs, facts, wanted, cast, results }] of phases.entries()) {
      const where = `phase ${index + 1}`;
      played.now += after ?? 0;
      const taken = (inputs ?? [{ type: "tick" } as const]).flatMap((each) => played.take(each));
      assert.deepEqual(taken, facts, where);
      if (wanted !== undefined) assert.deepEqual(played.wanted, wanted, where);
      if (cast !== undefined) assert.deepEqual(played.cast, cast, where);
      for (const [pc, result] of Object.entries(results ?? {}))
        assert.equal(played.resultOf(pc), result, where);
    }
  });
}

test("the scenarios make every move of the tables", () => {
  assert.deepEqual(untaken(), []);
});

// --- whatever comes in whatever order

const pcs = fc.constantFrom("a", "b", "s");
const attempts = fc.constantFrom(1, 1, 1, 2, 2, 3);
const outcomes = fc.constantFrom("verified", "done", "failed", "refused", "stopped");
const hashes = fc.constantFrom(root, root, root, "cd".repeat(32), null);
const reasons = fc.constantFrom("slow", null);
const reports = fc.oneof(
  fc.constant(null),
  fc
    .tuple(attempts, fc.constantFrom("working", "stopping"))
    .map(([attempt, phase]) => at(attempt, phase as "working")),
  fc
    .tuple(attempts, outcomes, hashes)
    .map(([attempt, outcome, hash]) => done(attempt, outcome as "done", hash)),
);
const inputs: fc.Arbitrary<Input> = fc.oneof(
  fc.tuple(pcs, reports).map(([pc, report]) => connected(pc, report)),
  fc.tuple(pcs, reports).map(([pc, report]) => reported(pc, report ?? at(1))),
  fc.tuple(pcs, attempts).map(([pc, attempt]) => ready(pc, attempt)),
  fc
    .tuple(pcs, fc.constantFrom("scanning", "receiving", "verifying", "wiping"), attempts, reasons)
    .map(([pc, phase, attempt, trouble]) => progress(pc, phase, attempt, trouble)),
  fc.tuple(pcs, reasons, attempts).map(([pc, reason, attempt]) => delivery(pc, reason, attempt)),
  fc.tuple(pcs, reasons).map(([pc, reason]) => lane(pc, reason)),
  pcs.map(lost),
  pcs.map(booting),
  pcs.map(dhcp),
  pcs.map(loader),
  pcs.map((pc) => ({ type: "seen", pc, sign: { kind: "arp", address: "10.77.0.5" } }) as const),
  pcs.map(admit),
  pcs.map((pc) => ({ type: "taken", pc }) as const),
  fc.tuple(pcs, fc.constantFrom("operator", "person")).map(([pc, by]) => drop(pc, by as "person")),
  fc.constantFrom<Input>(
    ...([{ type: "tick" }, { type: "start" }, { type: "resumed" }, { type: "planned" }] as const),
    ...([sealed, stored, notStored, fitted, notFitted] as const),
  ),
  {
    weight: 1,
    arbitrary: fc.constantFrom<Input>({ type: "stop" }, broken, { type: "no-wants", pc: "a" }),
  },
);
const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 25_000 }), inputs), {
  minLength: 1,
  maxLength: 60,
  size: "max",
});

/** Results do not change but by being let in again. */
function isMonotone(
  before: Record<string, string>,
  after: Record<string, string>,
  facts: readonly string[],
) {
  for (const [pc, result] of Object.entries(before)) {
    if (result === "pending" || result === after[pc]) continue;
    const isAdmitted = facts.includes(`${pc} admitted`) || after[pc] === "pending";
    assert(
      result === "failed" || (result === "stopped" && isAdmitted),
      `${pc} was ${result}, is ${after[pc]}`,
    );
  }
}

const specs: { readonly [K in KindName]: readonly SpecOf<K>[] } = {
  restore: [
    restoreSpec(),
    restoreSpec({ start: "all", startTimeoutMs: 50_000 }),
    restoreSpec({ pcs: ["a", "b", "s"], start: 2 }),
    restoreSpec({ proveBootMs: 60_000 }),
    restoreSpec({ fitTo: 240e9, startTimeoutMs: 50_000 }),
    restoreSpec({ pcs: ["a", "b", "s"], proveBootMs: 60_000, canary: [{ pc: "a", name: "A" }] }),
  ],
  cast: [
    liveSpec(),
    liveSpec({ saveAs: "win", start: "all" }),
    liveSpec({ saveAs: "win", proveBootMs: 60_000 }),
  ],
  capture: [{ ...alone, name: "master", raw: false }],
  wipe: [{ ...alone, method: "zero", failingDisks: [] }],
};

for (const kind of Object.keys(kinds) as KindName[]) {
  test(`${kind}: any order of inputs keeps what must hold, after every input`, () => {
    for (const spec of specs[kind]) {
      fc.assert(
        fc.property(steps, (taken) => {
          const played = new Played(kind, spec as SpecOf<KindName>);
          const results = (): Record<string, string> =>
            Object.fromEntries(played.view.members.map(({ pc, result }) => [pc, result]));
          for (const [ms, input] of taken) {
            played.now += ms;
            const before = results();
            const facts = played.take(input);
            isMonotone(before, results(), facts);
          }
          // Whatever it was, an operator can end it.
          played.take({ type: "stop" });
          played.take({ type: "stop" });
          played.wait(60_000);
          assert(played.isOver);
        }),
        { numRuns: drawn(100) },
      );
    }
  });
}

// --- what is shown

const bothReceive = (): Played<"restore"> => {
  const played = new Played("restore", restoreSpec({ pcs: ["a", "b", "c"] }));
  for (const pc of ["a", "b", "c"]) {
    played.take(connected(pc));
    played.take(ready(pc));
  }
  return played;
};

test("the contract's states follow from the members and what was sent", () => {
  const played = new Played("restore", restoreSpec({ pcs: ["a"] }));
  const said = (bytesSent: number) => {
    played.gauges.totals = {
      ...{ rateBps: 8, bytesSent, parityBytes: 0, repairBytes: 0, passes: 1 },
      ...{ entriesOpen: 1, framesIgnored: 0 },
    };
    return played.view.state;
  };
  assert.equal(played.view.state, "gathering");
  played.take(connected("a"));
  played.take(ready("a"));
  assert.equal(said(0), "casting");
  const has = (bytesReceived: number) => {
    const said = { ...counters, bytesWanted: 100, bytesReceived };
    played.take({ ...progress("a", "receiving"), counters: said } as Input);
  };
  has(26);
  assert.equal(said(120), "casting", "whatever was sent, most of it is not here");
  has(95);
  assert.equal(said(120), "repairing");
  assert.equal(played.view.rateBps, 1);
  played.take(progress("a", "verifying"));
  assert.equal(said(120), "verifying");
  played.take(verified("a"));
  assert.equal(said(120), "done");
  assert.equal(played.view.rateBps, null);
  const { receivers } = new Played("restore", restoreSpec()).state;
  assert.equal(sessionState(receivers, newGauges(), 0), "gathering");
});

test("a member that is personalised is shown so, from the moment its agent is at it", () => {
  const played = new Played("restore", restoreSpec({ pcs: ["a"] }));
  played.take(connected("a"));
  played.take(ready("a"));
  played.take(progress("a", "personalising"));
  const { receivers } = played.state;
  const said = (pcState: PcState) => {
    const names = { nameOf: (pc: string) => pc, stateOf: () => pcState };
    const seen = { ...names, id: "s1", startedAt: "", endedAt: null };
    return memberViews(receivers, played.gauges, seen, "read-back")[0]?.state;
  };
  assert.deepEqual(
    [said("personalising"), said("verifying"), said("offline")],
    ["personalising", "verifying", "verifying"],
  );
});

test("a member is shown with its lane, its reason, and the newest words of it", () => {
  const played = bothReceive();
  const shown = (pc: string) => {
    const view = played.view.members.find((each) => each.pc === pc);
    assert(view !== undefined);
    const { state, result, reason, lane: way, laneReason, name } = view;
    return [name, state, result, reason, way, laneReason];
  };
  assert.deepEqual(shown("a"), ["PC a", "receiving", "pending", null, "main", null]);
  played.take(lane("a", "disk writes 18 MB/s"));
  assert.deepEqual(shown("a").slice(3), ["disk writes 18 MB/s", "catch-up", "disk writes 18 MB/s"]);
  played.take(delivery("a", "no multicast"));
  assert.deepEqual(shown("a").slice(3), ["no multicast", "http", "no multicast"]);
  played.take(lost("b"));
  assert.deepEqual(shown("b"), ["PC b", "offline", "failed", "gone; it may come back", null, null]);
  played.take(reported("c", done(1, "refused")));
  assert.deepEqual(shown("c"), ["PC c", "failed", "failed", null, null, null]);
  assert.equal(played.view.members[2]?.refused, true);
  played.take(verified("a"));
  assert.deepEqual(shown("a").slice(1), ["idle", "verified", null, "http", "no multicast"]);
});

test("counters of the end outlive the gauges, and nothing is verified where nothing is read back", () => {
  const played = new Played("restore", restoreSpec({ pcs: ["a"], verify: "written" }));
  played.take(connected("a"));
  played.take(ready("a"));
  const end = done(1, "verified", root);
  const counted = { ...counters, bytesWritten: 100, bytesVerified: 100 };
  assert(end.end !== null);
  played.take(reported("a", { ...end, end: { ...end.end, counters: counted } }));
  played.gauges.members.clear();
  const [view] = played.view.members;
  assert.deepEqual([view?.bytesWritten, view?.bytesVerified], [100, null]);
  assert.deepEqual([view?.startedAt, view?.endedAt], ["t0", "t0"]);
});

test("most of the room on HTTP is a notice of the session", () => {
  const played = bothReceive();
  played.take(delivery("a", "no multicast"));
  assert.deepEqual(played.view.notices, []);
  played.take(delivery("b", "no multicast"));
  assert.match(played.view.notices[0] ?? "", /only 1 of the 3 PCs.*IGMP querier/);
  played.take(delivery("c", "no multicast"));
  assert.match(played.view.notices[0] ?? "", /none of the 3 PCs/);
});

test("at the end of the start timeout each PC that is missing is named, and how far it got", () => {
  const spec = restoreSpec({ pcs: ["a", "b", "c", "d"], start: "all", startTimeoutMs: 5000 });
  const played = new Played("restore", spec);
  for (const input of [connected("a"), ready("a"), booting("b"), connected("c")])
    played.take(input);
  played.wait(5000);
  const opened = played.facts.find(({ type }) => type === "opened");
  assert(opened?.type === "opened");
  assert.equal(
    kindNamed("restore").text(opened, played.state),
    "the start timeout is over: 1 of 4 PCs are ready",
  );
  assert.deepEqual(
    missingTexts(opened as Parameters<typeof missingTexts>[0]).map(
      ({ pc, text }) => `${pc} ${text}`,
    ),
    [
      "b missing at the start: the PC asked for its boot files, but its agent did not come: see its screen",
      "c missing at the start: it is connected, and still choosing or hashing its disk",
      "d missing at the start: the PC was not on, or did not reach the server",
    ],
  );
});

test("what happened is told in words, and what is too small is not", () => {
  const told = (played: Played<KindName>): string[] =>
    played.facts.flatMap((fact) => {
      const text = played.kind.text(fact, played.state);
      return text === null ? [] : [`${fact.pc ?? "-"}: ${text}`];
    });
  const played = bothReceive();
  for (const input of [
    lane("a", "disk writes 18 MB/s"),
    delivery("a", "no multicast"),
    delivery("a", null),
    lane("a", null),
    progress("a", "receiving", 1, "it hangs"),
    progress("a", "receiving"),
    lost("b"),
    admit("z"),
    broken,
  ])
    played.take(input);
  assert.deepEqual(told(played as unknown as Played<KindName>), [
    "a: in the catch-up lane: disk writes 18 MB/s",
    "a: gets its chunks over HTTP: no multicast",
    "a: multicast reaches it again",
    "a: keeps up again, back in the main lane",
    "a: it hangs",
    "a: its disk answers again",
    "b: gone; it may come back",
    "z: let in",
    "a: failed: chunk 7 is damaged",
    "b: failed: chunk 7 is damaged",
    "c: failed: chunk 7 is damaged",
    "z: failed: chunk 7 is damaged",
    "-: the cast broke: chunk 7 is damaged",
  ]);
});

test("a live cast shows its sender, its trouble and its image", () => {
  const played = new Played("cast", liveSpec({ pcs: ["a"], saveAs: "win" }));
  assert.deepEqual(
    [played.view.image, played.view.sender, played.view.state],
    ["win", "s", "gathering"],
  );
  played.take(notStored);
  assert.deepEqual(played.view.notices, ["no image win was stored: the store is full"]);
  const kept = new Played("cast", liveSpec({ pcs: ["a"] }));
  assert.equal(kept.view.image, "disk of master");
  kept.take(notStored);
  assert.match(kept.view.notices[0] ?? "", /keeps no copy for PCs that multicast does not reach/);
  const whole = new Played("cast", liveSpec({ pcs: ["a"], saveAs: "win" }));
  for (const input of [
    { type: "planned" } as const,
    connected("a"),
    ready("a"),
    sealed,
    verified("a"),
    stored,
  ])
    whole.take(input);
  assert.deepEqual([whole.view.image, whole.view.state], ["win@2", "verifying"]);
});

test("a restore that ends while its image is made to fit is not shown as fitting any more", () => {
  const progress = { fraction: 0.43, secondsLeft: 60 };
  for (const end of [{ type: "stop" }, drop("a"), notFitted] as const) {
    const played = new Played("restore", restoreSpec({ pcs: ["a"], fitTo: 240e9 }));
    played.gauges.fit = progress;
    assert.deepEqual(played.view.fit, { state: "fitting", diskBytes: 240e9, ...progress });
    played.take(end);
    assert(played.isOver);
    const { fit } = played.view;
    assert.deepEqual(fit, { state: "failed", diskBytes: 240e9, fraction: null, secondsLeft: null });
  }
});

test("a capture and a wipe show how far they are", () => {
  const played = new Played("capture", { ...alone, name: "master", raw: false });
  played.take(progress("a", "capturing"));
  const [view] = played.view.members;
  assert.deepEqual(
    [view?.state, view?.result, played.view.state],
    ["capturing", "pending", "casting"],
  );
  played.take(stored);
  assert.equal(played.view.image, "win@2");
  played.take(lost("a"));
  assert.deepEqual(played.view.members[0]?.state, "offline");
  const wiped = new Played("wipe", { ...alone, method: "zero", failingDisks: [] });
  assert.deepEqual([wiped.view.members[0]?.state, wiped.view.image], ["wiping", null]);
  wiped.take(reported("a", done(1, "done")));
  assert.deepEqual([wiped.view.members[0]?.state, wiped.view.state], ["idle", "done"]);
});

// --- a disk that does next to nothing

/** What the PC says `seconds` after it has begun, of a disk that does `bps`. */
const slowly = (pc: string, phase: string, seconds: number, bps: number): Input =>
  ({
    ...progress(pc, phase),
    ...{ diskBusy: 1, bytesDone: bps * seconds, bytesTotal: 1e12 },
    counters:
      phase === "receiving" || phase === "verifying"
        ? { ...counters, bytesWanted: 1e12, bytesWritten: bps * seconds }
        : null,
  }) as Input;

/** Says the same of its disk each ten seconds. */
function slowFor(
  played: Pick<Played<"restore">, "now" | "take">,
  seconds: number,
  { pc = "a", phase = "receiving", bps = 3e5 } = {},
): void {
  for (let second = 0; second < seconds; second += 10) {
    played.now += 10_000;
    played.take(slowly(pc, phase, second, bps));
  }
}

function restoring(): Played<"restore"> {
  const played = new Played("restore", restoreSpec({ pcs: ["a"] }));
  played.take(connected("a"));
  played.take(ready("a"));
  return played;
}

test("a disk of a few hundred KB/s is waited for ten minutes, says so, and is given up then", () => {
  for (const phase of ["scanning", "receiving", "verifying"]) {
    const told = (seconds: number) => {
      const played = restoring();
      slowFor(played, seconds, { phase });
      const [member] = played.view.members;
      return [member?.reason ?? "", member?.result];
    };
    assert.deepEqual(told(30), ["", "pending"], "a disk that empties its cache");
    assert.match(
      told(120)[0] ?? "",
      /^waits for its disk, which does 300 KB\/s: it is given up in 9 min unless/,
    );
    const [reason, result] = told(620);
    assert.equal(result, "failed", phase);
    assert.match(reason ?? "", /^its disk did less than 1 MB\/s for 10 min: check its cable/);
  }
  const well = restoring();
  slowFor(well, 1500, { bps: 2e6 });
  assert.deepEqual([well.view.members[0]?.reason, well.view.members[0]?.result], [null, "pending"]);
});

test("a restore is not waited for that takes hours for what follows it", () => {
  const played = restoring();
  slowFor(played, 600, { phase: "growing" });
  assert.match(played.view.members[0]?.reason ?? "", /^is still fitting its disk after 9 min/);
  slowFor(played, 8000, { phase: "personalising" });
  const [member] = played.view.members;
  assert.equal(member?.result, "failed");
  assert.match(member?.reason ?? "", /^personalising its disk took more than 120 min: check/);
});

test("a capture says what it waits for, and ends", () => {
  const played = new Played("capture", { ...alone, name: "win", raw: false });
  slowFor(played, 120, { phase: "capturing" });
  assert.match(played.view.members[0]?.reason ?? "", /^waits for its disk, which does 300 KB\/s/);
  slowFor(played, 620, { phase: "capturing" });
  const [member] = played.view.members;
  assert.deepEqual([member?.result, played.view.state], ["failed", "failed"]);
  assert.match(member?.reason ?? "", /^its disk did less than 1 MB\/s/);
});

test("a live cast says that its sender's disk is waited for, and ends", () => {
  const played = new Played("cast", liveSpec());
  played.take(connected("s"));
  played.take({ type: "planned" });
  played.take(connected("a"));
  played.take(ready("a"));
  slowFor(played, 120, { pc: "s", phase: "sending" });
  assert.match(played.view.notices[0] ?? "", /^master: waits for its disk, which does 300 KB\/s/);
  slowFor(played, 620, { pc: "s", phase: "sending" });
  assert.deepEqual([played.view.state, played.view.notices], ["failed", []]);
  assert.match(
    played.view.members[0]?.reason ?? "",
    /^the PC that sends, master, failed: its disk did less than 1 MB\/s/,
  );
});
