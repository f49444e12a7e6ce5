/** One PC of a session that receives an image: where it is, and what a fact makes of it. */
import { millis } from "../units/units.ts";
import type { MeantDisk } from "../wire/meant-disk.ts";
import type { DiskView, MemberResult, StepView } from "../wire/views.ts";
import type { Counters } from "../wire/work.ts";
import type { BootProof } from "./boot-proof.ts";
import type { Cause } from "./cause.ts";
import type { LabTime, PcId, Stamp } from "./kind.ts";
import type { Table } from "./table.ts";
import { meantOf } from "./target.ts";

/** How long a session whose other PCs are done waits for one that stopped answering. */
export const rejoinGrace = millis(30_000);
/** How long a PC that asked for its boot files may take to its agent: the slowest firmware measured takes 60 s. */
export const bootGrace = millis(180_000);
/** The same after the server itself was started anew: one with a slow processor, and its PCs with it, has taken over 30 s. */
export const restartGrace = millis(180_000);
/** An ordered PC that says neither `ready` nor an end in this time is taken for hung. Hashing a disk counts as progress. */
export const readyLimit = millis(60_000);

/** The names of its phases. */
export type Life = "absent" | "ordered" | "ready" | "receiving" | "verifying" | "lost" | "ended";

type Word = OwnFact["type"];

export const memberTable: Table<Life, Word> = {
  absent: { awaited: "absent", ordered: "ordered", returned: "ordered", ended: "ended" },
  ordered: {
    ordered: "ordered",
    heard: "ordered",
    readied: "ready",
    went: "lost",
    ended: "ended",
    troubled: "ordered",
  },
  ready: {
    ordered: "ordered",
    returned: "ordered",
    joined: "receiving",
    went: "lost",
    ended: "ended",
    troubled: "ready",
    unicast: "ready",
  },
  receiving: {
    ordered: "ordered",
    returned: "ordered",
    received: "verifying",
    went: "lost",
    ended: "ended",
    troubled: "receiving",
    unicast: "receiving",
    straggled: "receiving",
  },
  verifying: {
    ordered: "ordered",
    returned: "ordered",
    went: "lost",
    ended: "ended",
    troubled: "verifying",
    unicast: "verifying",
    straggled: "verifying",
  },
  lost: { awaited: "lost", ordered: "ordered", returned: "ordered", ended: "ended" },
  ended: { admitted: "absent", taken: "ended" },
};

/** What becomes of it until it has ended; whether it comes up then is another matter. */
export type OwnFact = { readonly pc: PcId } & (
  | { readonly type: "admitted"; readonly meant?: MeantDisk }
  /** It is given this long to come; `asked`: it has asked for its boot files. */
  | { readonly type: "awaited"; readonly until: LabTime; readonly asked: boolean }
  | { readonly type: "ordered"; readonly attempt: number; readonly scan: boolean }
  /** It is still at the attempt that it was ordered, after its connection broke. */
  | { readonly type: "returned" }
  | { readonly type: "heard" }
  | { readonly type: "readied"; readonly disk: DiskView; readonly bytesWanted: number }
  | { readonly type: "joined" }
  | { readonly type: "received" }
  | { readonly type: "went"; readonly cause: Cause; readonly until: LabTime }
  /** It is not let in again when it comes back. */
  | { readonly type: "taken"; readonly cause: Cause }
  | { readonly type: "troubled"; readonly text: string | null }
  | { readonly type: "unicast"; readonly reason: string | null }
  | { readonly type: "straggled"; readonly reason: string | null }
  | {
      readonly type: "ended";
      readonly result: Exclude<MemberResult, "pending">;
      readonly cause: Cause | null;
      readonly rootHash: string | null;
      readonly counters: Counters | null;
      readonly steps: readonly StepView[];
    }
);

/** Where a member is. `ended` is final but for `admitted`, which starts it again. */
export type MemberPhase =
  | { readonly name: "absent"; readonly until: LabTime | null; readonly asked: boolean }
  | { readonly name: "ordered"; readonly heardAt: LabTime }
  | { readonly name: "ready" | "receiving" | "verifying" }
  | { readonly name: "lost"; readonly until: LabTime; readonly cause: Cause }
  | {
      readonly name: "ended";
      readonly result: Exclude<MemberResult, "pending">;
      readonly cause: Cause | null;
    };

export interface Member {
  readonly phase: MemberPhase;
  /** Of the newest order; 0: none yet. */
  readonly attempt: number;
  /** The newest order has the disk hashed first. */
  readonly scan: boolean;
  /** It has taken part before, so its disk holds some of the image: it hashes before it wants. */
  readonly started: boolean;
  /** How often it has joined the cast. */
  readonly joins: number;
  /** The disk that was named when it was ordered, as it was known then; absent: none was, or it was not known. */
  readonly meant?: MeantDisk;
  readonly disk: DiskView | null;
  readonly bytesWanted: number | null;
  /** Its disk does not answer, in words. */
  readonly trouble: string | null;
  /** Why it gets its chunks over HTTP; null: by multicast. */
  readonly unicast: string | null;
  /** Why the others do not wait for it; null: it keeps up. */
  readonly straggling: string | null;
  /** Counters, root hash and steps as it ended. */
  readonly counters: Counters | null;
  readonly rootHash: string | null;
  readonly steps: readonly StepView[];
  /** Whether it comes up as itself; null: it is not waited for. */
  readonly boot: BootProof | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** One that was just asked for, or let in. */
export const newMember: Member = {
  phase: { name: "absent", until: null, asked: false },
  attempt: 0,
  scan: false,
  started: false,
  joins: 0,
  disk: null,
  bytesWanted: null,
  trouble: null,
  unicast: null,
  straggling: null,
  counters: null,
  rootHash: null,
  steps: [],
  boot: null,
  startedAt: null,
  endedAt: null,
};

/** The disk that it has to take, and no other, however often it is ordered; null: none is known yet. */
export function meantDisk(member: Member | undefined): MeantDisk | null {
  const known = member?.disk ?? member?.meant;
  return known === undefined ? null : meantOf(known);
}

export const isServed = (phase: MemberPhase): boolean =>
  phase.name === "receiving" || phase.name === "verifying";

/** The member after a fact; `name`: the phase that the table leads to. */
export function evolveMember(before: Member, name: Life, fact: OwnFact, stamp: Stamp): Member {
  switch (fact.type) {
    case "admitted":
      return {
        ...(fact.meant === undefined ? {} : { meant: fact.meant }),
        ...before,
        phase: { name: "absent", until: null, asked: false },
        endedAt: null,
        rootHash: null,
        steps: [],
      };
    case "awaited": {
      const { until } = fact;
      const { phase } = before;
      return phase.name === "lost"
        ? { ...before, phase: { ...phase, until } }
        : { ...before, phase: { name: "absent", until, asked: fact.asked } };
    }
    case "ordered": {
      const { attempt, scan } = fact;
      const phase = { name: "ordered", heardAt: stamp.at } as const;
      return { ...before, phase, attempt, scan, unicast: null, straggling: null };
    }
    case "returned":
      return {
        ...before,
        phase: { name: "ordered", heardAt: stamp.at },
        unicast: null,
        straggling: null,
      };
    case "heard":
      return { ...before, phase: { name: "ordered", heardAt: stamp.at } };
    case "readied": {
      const { disk, bytesWanted } = fact;
      const startedAt = before.startedAt ?? stamp.iso;
      return { ...before, phase: { name: "ready" }, disk, bytesWanted, startedAt };
    }
    case "joined":
      return { ...before, phase: { name: "receiving" }, started: true, joins: before.joins + 1 };
    case "received":
      return { ...before, phase: { name: "verifying" } };
    case "went":
      return {
        ...before,
        phase: { name: "lost", until: fact.until, cause: fact.cause },
        straggling: null,
      };
    case "taken":
      return before.phase.name === "ended"
        ? { ...before, phase: { ...before.phase, cause: fact.cause } }
        : before;
    case "troubled":
      return { ...before, trouble: fact.text };
    case "unicast":
      return { ...before, unicast: fact.reason };
    case "straggled":
      return { ...before, straggling: fact.reason };
    case "ended": {
      const { result, cause, rootHash, counters, steps } = fact;
      return {
        ...before,
        phase: { name: name as "ended", result, cause },
        trouble: null,
        ...{ rootHash, counters, steps, endedAt: stamp.iso },
      };
    }
  }
}
