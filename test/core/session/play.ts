/** A session of any kind, driven without an engine: inputs and a clock in, facts out, checked after each. */
import assert from "node:assert/strict";
import { noteInput } from "../../../core/session/gauge.ts";
import {
  type Fact,
  type Input,
  newGauges,
  type PcId,
  type Stamp,
} from "../../../core/session/kind.ts";
import type { ReceiversSpec, RestoreSpec } from "../../../core/session/kinds/restore.ts";
import type { LiveSpec } from "../../../core/session/live-state.ts";
import {
  type AnyKind,
  type KindName,
  kindNamed,
  type SpecOf,
  type StateOf,
} from "../../../core/session/registry.ts";
import { millis } from "../../../core/units/units.ts";
import { anyDisk } from "../../../core/wire/disk-policy.ts";
import type { DiskView, SessionView } from "../../../core/wire/views.ts";
import type { Counters, End, Report } from "../../../core/wire/work.ts";
import { castKeys } from "../cast/keys.ts";

export const root = "ab".repeat(32);

export const disk: DiskView = {
  path: "/dev/sda",
  size: 1e9,
  logicalSector: 512,
  model: "M",
  serial: "S",
  wwn: null,
  transport: "sata",
  rotational: false,
  health: null,
  protection: null,
};

export const counters: Counters = {
  bytesWanted: 100,
  bytesReceived: 0,
  bytesWritten: 0,
  bytesVerified: 0,
  chunksKept: 0,
  chunksWritten: 0,
  forgedPackets: 0,
  lossRatio: null,
  writeBps: null,
};

const settings = {
  policy: anyDisk,
  grow: "none" as const,
  rateLimitBps: null,
  grant: () => "",
  castKeys,
};

const receiversSpec: ReceiversSpec = {
  ...{ room: "default", pcs: ["a", "b"], disk: null, failingDisks: [], delta: false },
  ...({ verify: "read-back", afterwards: "stay", start: "now", personalise: "auto" } as const),
  ...{ startTimeoutMs: null, proveBootMs: null },
  cast: { tag: 1, group: "239.77.1.1", port: 7400 },
};

export const restoreSpec = (more: Partial<RestoreSpec> = {}): RestoreSpec => ({
  ...receiversSpec,
  image: { id: "i", name: "win@1", rootHash: root, storedBytes: 100 },
  canary: [],
  ...{ fit: "auto", fitTo: null },
  ...more,
});

export const liveSpec = (more: Partial<LiveSpec> = {}): LiveSpec => ({
  ...receiversSpec,
  ...{ sender: "s", senderName: "master", saveAs: null, sourceDisk: null, raw: false },
  ...more,
});

export const alone = { pc: "a", disk: null, source: null } as const;

export class Played<K extends KindName> {
  now = 0;
  readonly gauges = newGauges();
  readonly facts: Fact[] = [];
  readonly kind: AnyKind;
  private current: unknown;
  /** What the journal's facts make, each of them read back from JSON. */
  private folded: unknown;

  constructor(name: K, spec: SpecOf<K>) {
    this.kind = kindNamed(name);
    this.current = this.kind.begin(spec, millis(0));
    this.folded = this.kind.read(JSON.parse(JSON.stringify(this.current)));
    this.take({ type: "tick" });
  }

  get state(): StateOf<K> {
    return this.current as StateOf<K>;
  }

  private get stamp(): Stamp {
    return { at: millis(this.now), iso: `t${this.now}` };
  }

  /** Takes the input as the engine does; answers the facts in short words. */
  take(input: Input): string[] {
    const { kind, stamp } = this;
    const before = this.wanted;
    const taken: string[] = [];
    if ("pc" in input && kind.knows(this.current, input.pc))
      noteInput(this.gauges, input, stamp.at);
    let facts = kind.decide(this.current, input, stamp.at, this.gauges);
    for (let round = 0; facts.length > 0; round++) {
      assert(round < 50, "facts go in a circle");
      for (const fact of facts) {
        this.current = kind.evolve(this.current, fact, stamp);
        this.facts.push(fact);
        this.folded = kind.evolve(this.folded, JSON.parse(JSON.stringify(fact)), stamp);
        taken.push(wordOf(fact));
        kind.text(fact, this.current);
      }
      facts = kind.decide(this.current, { type: "tick" }, stamp.at, this.gauges);
    }
    this.mustHold(before);
    return taken;
  }

  wait(ms: number): string[] {
    this.now += ms;
    return this.take({ type: "tick" });
  }

  get wanted(): Record<PcId, number> {
    return Object.fromEntries(this.kind.wanted(this.current).orders);
  }

  /** Whom the cast serves; null: there is none. */
  get cast(): PcId[] | null {
    const { cast } = this.kind.wanted(this.current);
    return cast === null ? null : [...cast].map(([pc]) => pc);
  }

  get isOver(): boolean {
    return this.kind.isOver(this.current);
  }

  get deadline(): number | undefined {
    return this.kind.deadline(this.current, millis(this.now));
  }

  get view(): SessionView {
    return this.kind.view(this.current, this.gauges, {
      ...{ id: "s1", startedAt: "t0", endedAt: this.isOver ? "t9" : null },
      ...{ nameOf: (pc) => `PC ${pc}`, stateOf: () => "idle" },
    });
  }

  /** `failed: the PC was not on` */
  resultOf(pc: PcId): string {
    const view = this.view.members.find((each) => each.pc === pc);
    assert(view !== undefined);
    return view.reason === null ? view.result : `${view.result}: ${view.reason}`;
  }

  /** After every input, whatever it was. */
  private mustHold(before: Record<PcId, number>): void {
    const { kind, current } = this;
    const { orders, cast, finish } = kind.wanted(current);
    for (const [pc, attempt] of orders) {
      assert(kind.knows(current, pc) && kind.holds(current, pc), `${pc} is ordered and not held`);
      assert(attempt >= (before[pc] ?? 1), `${pc} is wanted at an attempt that is over`);
      const order = kind.order(current, "s1", pc, settings);
      assert.deepEqual([order.session, order.attempt], ["s1", attempt]);
    }
    const ordered = new Map(orders);
    for (const [pc, attempt] of ordered) assert.equal(orders.get(pc), attempt);
    for (const [pc, joins] of cast ?? []) {
      assert(ordered.has(pc), `${pc} is served, not ordered`);
      assert.equal(cast?.get(pc), joins);
    }
    assert(finish === undefined || ordered.has(finish));
    if (this.isOver) {
      assert.deepEqual([ordered.size, cast, this.deadline], [0, null, undefined]);
      for (const pc of kind.pcs(current)) assert(!kind.holds(current, pc));
    }
    assert(this.deadline === undefined || this.deadline > this.now, "a deadline is ahead");
    for (const pc of kind.pcs(current)) {
      assert(kind.knows(current, pc));
      assert(kind.release(current, pc) !== "");
    }
    const { members, state } = this.view;
    if (this.isOver) {
      assert(["done", "failed", "stopped"].includes(state), `over, and ${state}`);
      for (const { result, endedAt } of members)
        assert(result !== "pending" && endedAt !== null, "over, and somebody is pending");
    }
    for (const { pc, result, rootHash } of members) {
      if (result === "verified" && kind.name !== "wipe" && kind.name !== "capture")
        assert.equal(rootHash, root, `${pc} is verified with another hash`);
    }
    assert.deepEqual(JSON.parse(JSON.stringify(this.folded)), JSON.parse(JSON.stringify(current)));
    // What is known of many together is what a look at each of them shows.
    assert.deepEqual(kind.read(JSON.parse(JSON.stringify(current))), current);
  }
}

/** `a ordered 2 scan`, `closed done`, `a ended failed: lost` */
export function wordOf(fact: Fact): string {
  const said = fact as Fact & Record<string, unknown>;
  const parts = [fact.pc, fact.type];
  if (fact.type === "ordered") parts.push(`${said.attempt}`, said.scan === true ? "scan" : null);
  if (fact.type === "opened") parts.push(`${said.why}`);
  if (fact.type === "booted") parts.push(`${said.seconds}`);
  if (fact.type === "unbooted") parts.push((said.cause as { code: string }).code);
  if (fact.type === "closed") parts.push(`${said.verdict}`);
  if (fact.type === "ended") {
    const code = (said.cause as { code: string } | null)?.code;
    parts.push(code === undefined ? `${said.result}` : `${said.result}: ${code}`);
  }
  return parts.filter((part) => part !== null).join(" ");
}

// --- inputs in short

const endOf = (outcome: End["outcome"], rootHash: string | null = null): End => ({
  ...{ outcome, reason: outcome === "failed" ? "no disk" : null, next: null, rootHash },
  ...{ counters: null, steps: [] },
});

/** What an agent says that it is at. */
export const at = (
  attempt: number,
  phase: Report["phase"] = "working",
  end: End | null = null,
) => ({
  ...{ session: "s1", attempt, phase, end },
});
export const done = (attempt: number, outcome: End["outcome"], rootHash: string | null = null) =>
  at(attempt, "done", endOf(outcome, rootHash));

export const connected = (pc: PcId, report: Report | null = null): Input => ({
  ...{ type: "connected", pc, report },
});
export const reported = (pc: PcId, report: Report): Input => ({ type: "reported", pc, report });
export const verified = (pc: PcId, attempt = 1, rootHash = root): Input =>
  reported(pc, done(attempt, "verified", rootHash));
export const ready = (pc: PcId, attempt = 1): Input => ({
  ...{ type: "ready", pc, attempt, disk, counters },
});
export const lost = (pc: PcId): Input => ({ type: "lost", pc, reason: "gone" });
export const booting = (pc: PcId): Input => ({ type: "booting", pc });
export const progress = (
  pc: PcId,
  phase: string,
  attempt = 1,
  trouble: string | null = null,
): Input => ({
  ...{ type: "progress", pc, attempt, phase, counters: null, diskBusy: null, trouble },
  ...{ bytesDone: 1, bytesTotal: 2 },
});
export const stop: Input = { type: "stop" };
export const start: Input = { type: "start" };
export const resumed: Input = { type: "resumed" };
export const planned: Input = { type: "planned" };
export const taken = (pc: PcId): Input => ({ type: "taken", pc });
export const admit = (pc: PcId): Input => ({ type: "admit", pc });
export const drop = (pc: PcId, by: "operator" | "person" = "operator"): Input => ({
  ...{ type: "drop", pc, by },
});
export const delivery = (pc: PcId, reason: string | null, attempt = 1): Input => ({
  ...{ type: "delivery", pc, attempt, reason },
});
export const lane = (pc: PcId, reason: string | null): Input => ({ type: "lane", pc, reason });
export const sealed: Input = { type: "sealed", rootHash: root, storedBytes: 100 };
export const stored: Input = { type: "stored", image: "win@2", imageId: "i2" };
export const notStored: Input = { type: "not-stored", reason: "the store is full" };
export const fitted: Input = {
  type: "fitted",
  image: { id: "f", name: "win@1-fit-240GB", rootHash: root, storedBytes: 50 },
};
export const notFitted: Input = { type: "not-fitted", reason: "no space" };
export const broken: Input = { type: "cast-broken", reason: "chunk 7 is damaged" };
