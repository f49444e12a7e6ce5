/**
 * Sessions as servers before 0.2 stored them: the whole session as one JSON text. They become states
 * of the journal; those that were under way are awaited, as after any restart of the server.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Cause } from "../../core/session/cause.ts";
import type { CastTotals, PcId } from "../../core/session/kind.ts";
import type { CaptureSpec, CaptureState } from "../../core/session/kinds/capture.ts";
import type { ReceiversSpec, RestoreSpec } from "../../core/session/kinds/restore.ts";
import type { LiveState, StoredLive } from "../../core/session/live-state.ts";
import type { Member, MemberPhase } from "../../core/session/member.ts";
import type { StoredReceivers, Verdict } from "../../core/session/receivers.ts";
import type { StartPolicy } from "../../core/session/start-policy.ts";
import { millis } from "../../core/units/units.ts";
import type { CastPlace } from "../../core/wire/cast-address.ts";
import type { Afterwards } from "../../core/wire/orders.ts";
import type { DiskView, MemberResult, StepView } from "../../core/wire/views.ts";
import type { Counters } from "../../core/wire/work.ts";

interface OldMember {
  readonly pc: PcId;
  readonly phase: {
    readonly name: string;
    readonly result?: Exclude<MemberResult, "pending">;
    readonly reason?: string | null;
    readonly refused?: boolean;
    readonly asked?: boolean;
  };
  readonly started: boolean;
  readonly disk: DiskView | null;
  readonly counters: Counters | null;
  readonly rootHash: string | null;
  readonly trouble?: string | null;
  readonly steps?: readonly StepView[];
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly fallback?: string | null;
  readonly laggard?: string | null;
}

interface OldRestore {
  readonly kind: "restore";
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly imageId: string;
  readonly image: string;
  readonly imageStoredBytes: number;
  readonly live?: {
    readonly sender: string;
    readonly saveAs: string | null;
    readonly disk: string | null;
    readonly raw: boolean;
    readonly trouble: string | null;
  };
  readonly room: string | null;
  readonly disk: string | null;
  readonly failingDisks?: readonly string[];
  readonly delta: boolean;
  readonly verify: "written" | "read-back";
  readonly afterwards: Afterwards;
  readonly cast: CastPlace;
  readonly session: {
    readonly phase: "gathering" | "casting" | Verdict;
    readonly start: StartPolicy;
    readonly startTimeout: number | null;
    readonly rootHash: string | null;
    readonly archive?: LiveState["archive"];
    readonly members: readonly OldMember[];
  };
  readonly stats: CastTotals | null;
}

interface OldCapture {
  readonly kind: "capture";
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly name: string;
  readonly image: string | null;
  readonly pc: PcId;
  readonly disk: string | null;
  readonly raw: boolean;
  readonly result: MemberResult;
  readonly reason: string | null;
  readonly refused?: boolean;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly source: DiskView | null;
  readonly counters: Counters | null;
}

/** Fills the table `session` from the table `sessions`. */
export function journalFromRecords(db: DatabaseSync): void {
  const add = db.prepare(
    `INSERT INTO session (number, kind, started, ended, seq, state, totals)
     VALUES (?, ?, ?, ?, 0, ?, ?)`,
  );
  for (const row of db.prepare("SELECT number, record FROM sessions ORDER BY number").all()) {
    const record = JSON.parse(String(row.record)) as OldRestore | OldCapture;
    const { startedAt, endedAt } = record;
    const totals = record.kind === "restore" ? record.stats : null;
    const [kind, state] =
      record.kind === "capture"
        ? ["capture", captureState(record)]
        : record.live === undefined
          ? ["restore", restoreState(record)]
          : ["cast", liveState(record, record.live)];
    const texts = [JSON.stringify(state), JSON.stringify(totals)] as const;
    add.run(Number(row.number), kind as string, startedAt, endedAt, ...texts);
  }
}

function captureState(record: OldCapture): CaptureState {
  const { pc, name, disk, raw, source, image, result, reason, endedAt } = record;
  const { bytesDone, bytesTotal, counters } = record;
  const spec: CaptureSpec = { pc, name, disk, raw, source };
  const phase: CaptureState["worker"]["phase"] =
    result === "pending"
      ? { name: "working" }
      : { name: "ended", result, cause: causeOf(reason, record.refused === true) };
  const worker = { pc, phase, hasBegun: true, bytesDone, bytesTotal, counters, endedAt };
  return { spec, worker, image };
}

/** As they were before an image could be made to fit; a later step adds that. */
interface UnfittedState {
  readonly receivers: StoredReceivers;
  readonly spec: Omit<RestoreSpec, "fit" | "fitTo">;
}

const restoreState = (record: OldRestore): UnfittedState => ({
  spec: {
    ...receiversSpec(record),
    image: {
      id: record.imageId,
      name: record.image,
      rootHash: record.session.rootHash ?? "",
      storedBytes: record.imageStoredBytes,
    },
    canary: [],
  },
  receivers: receivers(record),
});

function liveState(record: OldRestore, live: NonNullable<OldRestore["live"]>): StoredLive {
  const { session, endedAt } = record;
  const { sender, saveAs, disk: sourceDisk, raw, trouble } = live;
  const archive = session.archive ?? "none";
  return {
    spec: { ...receiversSpec(record), sender, senderName: sender, saveAs, sourceDisk, raw },
    receivers: receivers(record),
    sender: { name: endedAt === null ? "sending" : "over" },
    isPlanned: true,
    rootHash: session.rootHash,
    storedBytes: record.imageStoredBytes,
    archive,
    trouble,
    image: archive === "stored" ? { name: record.image, id: record.imageId } : null,
  };
}

function receiversSpec(record: OldRestore): ReceiversSpec {
  const { room, disk, failingDisks = [], delta, verify, afterwards, cast, session } = record;
  return {
    ...{ room, disk, failingDisks, delta, verify, afterwards, cast },
    personalise: "none",
    pcs: session.members.map(({ pc }) => pc),
    start: session.start,
    startTimeoutMs: session.startTimeout,
    proveBootMs: null,
  };
}

function receivers({ session }: OldRestore): StoredReceivers {
  const { phase, start, startTimeout, members } = session;
  const isOver = phase !== "gathering" && phase !== "casting";
  return {
    phase: isOver ? "over" : phase,
    verdict: isOver ? phase : null,
    start,
    startBy: startTimeout === null ? null : millis(startTimeout),
    ...{ startTimeoutMs: null, proveBootMs: null, canary: [] },
    members: Object.fromEntries(members.map((member) => [member.pc, newMember(member)])),
  };
}

function newMember(old: OldMember): Member {
  const phase = memberPhase(old);
  return {
    phase,
    // Control protocol 1 counted no attempts: whatever an agent of then was at, the next order is a new one.
    attempt: phase.name === "absent" ? 0 : 1,
    scan: old.started,
    started: old.started,
    joins: 0,
    disk: old.disk,
    bytesWanted: old.counters?.bytesWanted ?? null,
    trouble: phase.name === "ended" ? null : (old.trouble ?? null),
    unicast: old.fallback ?? null,
    straggling: null,
    counters: old.counters,
    rootHash: old.rootHash,
    steps: old.steps ?? [],
    boot: null,
    startedAt: old.startedAt,
    endedAt: old.endedAt,
  };
}

function memberPhase({ phase }: OldMember): MemberPhase {
  const { name, result, reason = null, refused = false, asked = false } = phase;
  if (name === "absent") return { name, until: null, asked };
  if (name === "ended" && result !== undefined)
    return { name, result, cause: causeOf(reason, refused) };
  return { name: "lost", until: millis(0), cause: { code: "server-restarted" } };
}

const causeOf = (reason: string | null, refused: boolean): Cause | null =>
  reason === null && !refused ? null : { code: refused ? "refused" : "agent", text: reason };
