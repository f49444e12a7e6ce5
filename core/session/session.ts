/**
 * One restore of an image to many PCs, as a machine: events and the time in, actions out. It knows no
 * socket and no timer. Nobody waits for a head-count: whoever is ready is served, whoever comes late
 * joins, whoever vanishes is failed at once and may come back within `rejoinGrace`.
 */
import { assert } from "../errors.ts";
import { type Millis, millis } from "../units/units.ts";
import type { Counters } from "../wire/control.ts";
import type { DiskView, MemberResult, StepView } from "../wire/views.ts";

/** How long a session whose other PCs are done waits for one that stopped answering. */
export const rejoinGrace = millis(30_000);
/** How long a PC that asked for its boot files may take to its agent: the slowest firmware measured takes 60 s. */
export const bootGrace = millis(180_000);
/** An ordered PC that says neither `ready` nor a result in this time is taken for hung. Hashing a disk counts as progress. */
export const readyLimit = millis(60_000);

export type ReceivingPhase = "scanning" | "receiving" | "verifying" | "growing";

export type StartPolicy = "now" | "all" | number;

/** Where a member is. `ended` is final but for `admit`, which starts it again. */
export type MemberPhase =
  /** `asked`: it has asked for its boot files. */
  | {
      readonly name: "absent";
      readonly bootingUntil: Millis | null;
      readonly asked?: boolean;
    }
  | { readonly name: "ordered"; readonly heardAt: Millis }
  | { readonly name: "ready" }
  | { readonly name: "receiving" }
  | { readonly name: "verifying" }
  | { readonly name: "lost"; readonly until: Millis; readonly reason: string }
  | {
      readonly name: "ended";
      readonly result: Exclude<MemberResult, "pending">;
      readonly reason: string | null;
      /** By a safety rule, before anything was written. */
      readonly refused: boolean;
    };

export interface Member {
  readonly pc: string;
  phase: MemberPhase;
  /** It has taken part before, so its disk holds some of the image: it hashes before it wants. */
  started: boolean;
  disk: DiskView | null;
  counters: Counters | null;
  rootHash: string | null;
  /** Its disk does not answer, in words. */
  trouble: string | null;
  /** What was done to the disk once it was verified. */
  steps: readonly StepView[];
  startedAt: string | null;
  endedAt: string | null;
  /** Why it gets its chunks over HTTP, in its own words; null: by multicast. */
  fallback: string | null;
  /** Why the others do not wait for it; null: it keeps up. */
  laggard: string | null;
}

export type SessionPhase = "gathering" | "casting" | "done" | "failed" | "stopped";

/** All that a session is: plain data, stored as it stands. */
export interface Session {
  phase: SessionPhase;
  readonly start: StartPolicy;
  /** How long to gather at most; null: until the start policy is met. */
  readonly startTimeout: Millis | null;
  /** When that is over, on the clock of the server that runs now. */
  startBy: Millis | null;
  /** Of the image; null: of a live cast that is not read to its end yet. */
  rootHash: string | null;
  /** Of a live cast that is to be stored: the session ends with it. */
  archive: "none" | "pending" | "stored" | "failed";
  members: Member[];
}

export type SessionEvent =
  | { readonly type: "connected"; readonly pc: string }
  | { readonly type: "booting"; readonly pc: string }
  | { readonly type: "lost"; readonly pc: string; readonly reason: string }
  | {
      readonly type: "ready";
      readonly pc: string;
      readonly disk: DiskView;
      readonly counters: Counters;
    }
  | {
      readonly type: "progress";
      readonly pc: string;
      readonly phase: ReceivingPhase;
      readonly counters: Counters | null;
      /** Its disk does not answer, in words. */
      readonly trouble: string | null;
    }
  | {
      readonly type: "result";
      readonly pc: string;
      readonly outcome: "verified" | "failed" | "refused" | "stopped";
      readonly reason: string | null;
      readonly rootHash: string | null;
      readonly counters: Counters | null;
      readonly steps: readonly StepView[];
    }
  /** The PC has turned to HTTP, and why; null: multicast reaches it (again). */
  | { readonly type: "fallback"; readonly pc: string; readonly reason: string | null }
  /** The sender has put it into the catch-up lane, and why; null: it is in the main lane. */
  | { readonly type: "lane"; readonly pc: string; readonly laggard: string | null }
  /** A PC of the room that was not there when the session began, or one that is let in again. */
  | { readonly type: "admit"; readonly pc: string; readonly connected: boolean }
  | { readonly type: "start" }
  | { readonly type: "drop"; readonly pc: string }
  | { readonly type: "stop" }
  | { readonly type: "cast-broken"; readonly reason: string }
  /** A live cast is read to its end: this is what every disk has to be. */
  | { readonly type: "sealed"; readonly rootHash: string }
  /** The image that a live cast was to leave is in the store, or will not be. */
  | { readonly type: "archived"; readonly isStored: boolean }
  | { readonly type: "server-restarted" }
  | { readonly type: "tick" };

export type SessionAction =
  | { readonly type: "order"; readonly pc: string; readonly scan: boolean }
  | { readonly type: "cancel"; readonly pc: string; readonly reason: string }
  | { readonly type: "cast-open" }
  | { readonly type: "cast-join"; readonly pc: string }
  | { readonly type: "cast-leave"; readonly pc: string }
  | { readonly type: "cast-close" }
  | { readonly type: "note"; readonly pc: string | null; readonly text: string };

/** A new session of these PCs. It does nothing before its first event. */
export function createSession(options: {
  readonly pcs: readonly string[];
  readonly start: StartPolicy;
  readonly startTimeout: Millis | null;
  /** Null: a live cast. */
  readonly rootHash: string | null;
  /** The session is not over before the image is stored. */
  readonly archives?: boolean;
  readonly now: Millis;
}): Session {
  return {
    phase: "gathering",
    start: options.start,
    startTimeout: options.startTimeout,
    startBy: after(options.now, options.startTimeout),
    rootHash: options.rootHash,
    archive: options.archives === true ? "pending" : "none",
    members: options.pcs.map(newMember),
  };
}

function newMember(pc: string): Member {
  return {
    pc,
    phase: { name: "absent", bootingUntil: null },
    started: false,
    disk: null,
    counters: null,
    rootHash: null,
    trouble: null,
    steps: [],
    startedAt: null,
    endedAt: null,
    fallback: null,
    laggard: null,
  };
}

export const isOver = (session: Session): boolean =>
  session.phase === "done" || session.phase === "failed" || session.phase === "stopped";

/** When the session wants a `tick`, or undefined when only events can move it. */
export function deadlineOf(session: Session): Millis | undefined {
  if (isOver(session)) return undefined;
  let soonest = session.phase === "gathering" ? (session.startBy ?? undefined) : undefined;
  for (const { phase } of session.members) {
    let at: Millis | null = null;
    if (phase.name === "lost") at = phase.until;
    else if (phase.name === "ordered") at = millis(phase.heardAt + readyLimit);
    else if (phase.name === "absent") at = phase.bootingUntil;
    if (at !== null && (soonest === undefined || at < soonest)) soonest = at;
  }
  return soonest;
}

/** Takes one event; changes `session` in place and answers what to do, in order. */
export function handle(
  session: Session,
  event: SessionEvent,
  now: Millis,
  isoTime: string,
): SessionAction[] {
  if (isOver(session)) return [];
  const actions: SessionAction[] = [];
  const step = new Step(session, now, isoTime, actions);
  step.apply(event);
  step.settle();
  return actions;
}

/** One event's work on one session. */
class Step {
  private readonly session: Session;
  private readonly now: Millis;
  private readonly isoTime: string;
  private readonly actions: SessionAction[];

  constructor(session: Session, now: Millis, isoTime: string, actions: SessionAction[]) {
    this.session = session;
    this.now = now;
    this.isoTime = isoTime;
    this.actions = actions;
  }

  apply(event: SessionEvent): void {
    switch (event.type) {
      case "connected": {
        const member = this.find(event.pc);
        if (member !== undefined && member.phase.name !== "ended") this.order(member);
        return;
      }
      case "booting": {
        const member = this.find(event.pc);
        const until = millis(this.now + bootGrace);
        if (member?.phase.name === "absent") {
          member.phase = { name: "absent", bootingUntil: until, asked: true };
        }
        if (member?.phase.name === "lost") member.phase = { ...member.phase, until };
        return;
      }
      case "lost":
        return this.lose(event.pc, event.reason);
      case "ready": {
        const member = this.find(event.pc);
        if (member === undefined || member.phase.name === "ended") return;
        member.disk = event.disk;
        member.counters = event.counters;
        member.startedAt ??= this.isoTime;
        if (this.session.phase === "casting") this.receive(member);
        else member.phase = { name: "ready" };
        return;
      }
      case "progress":
        return this.progress(event);
      case "result":
        return this.result(event);
      case "fallback": {
        const member = this.find(event.pc);
        if (member === undefined || !isInCast(member.phase)) return;
        if (event.reason !== null && member.fallback === null)
          this.note(event.pc, `gets its chunks over HTTP: ${event.reason}`);
        if (event.reason === null && member.fallback !== null)
          this.note(event.pc, "multicast reaches it again");
        member.fallback = event.reason;
        return;
      }
      case "lane": {
        const member = this.find(event.pc);
        if (member === undefined || !isInCast(member.phase)) return;
        if (event.laggard !== null && member.laggard === null)
          this.note(event.pc, `in the catch-up lane: ${event.laggard}`);
        if (event.laggard === null && member.laggard !== null)
          this.note(event.pc, "keeps up again, back in the main lane");
        member.laggard = event.laggard;
        return;
      }
      case "admit": {
        let member = this.find(event.pc);
        if (member === undefined) {
          member = newMember(event.pc);
          this.session.members.push(member);
        } else if (member.phase.name !== "ended") return;
        member.phase = { name: "absent", bootingUntil: null };
        member.endedAt = null;
        if (event.connected) this.order(member);
        return;
      }
      case "start":
        if (this.session.phase === "gathering") this.beginCast();
        return;
      case "drop": {
        const member = this.find(event.pc);
        if (member === undefined || member.phase.name === "ended") return;
        this.release(member, "an operator took this PC out of the session");
        this.end(member, "stopped", "taken out by an operator");
        return;
      }
      case "stop":
        this.endAll("stopped", "stopped by an operator");
        return this.close("stopped");
      case "cast-broken":
        this.note(null, `the cast broke: ${event.reason}`);
        this.endAll("failed", event.reason);
        return this.close("failed");
      case "sealed":
        this.session.rootHash = event.rootHash;
        return;
      case "archived":
        if (this.session.archive === "pending")
          this.session.archive = event.isStored ? "stored" : "failed";
        return;
      case "server-restarted":
        // Times of the earlier server's clock mean nothing now.
        this.session.startBy = after(this.now, this.session.startTimeout);
        for (const member of this.session.members) {
          if (member.phase.name === "absent") {
            const bootingUntil = millis(this.now + rejoinGrace);
            member.phase = { ...member.phase, bootingUntil };
          } else if (member.phase.name !== "ended") {
            member.phase = this.lostPhase("the server was restarted and the PC has not come back");
          }
        }
        if (this.session.phase === "casting") this.actions.push({ type: "cast-open" });
        return;
      case "tick":
        return;
    }
  }

  /** What follows from the state alone, whatever the event was. */
  settle(): void {
    if (isOver(this.session)) return;
    for (const member of this.session.members) {
      const { phase } = member;
      if (phase.name === "lost" && this.now >= phase.until)
        this.end(member, "failed", phase.reason);
      if (phase.name === "ordered" && this.now >= phase.heardAt + readyLimit) {
        this.release(member, "no answer to the order");
        this.end(member, "failed", "the PC answers, but did not get ready within a minute");
      }
    }
    if (this.session.phase === "gathering") this.gather();
    if (this.session.phase === "casting") this.finishIfAllEnded();
  }

  private gather(): void {
    const { members, start, startBy } = this.session;
    const ready = members.filter((member) => member.phase.name === "ready").length;
    const ended = members.filter((member) => member.phase.name === "ended").length;
    const needed = start === "now" ? 1 : start === "all" ? members.length - ended : start;
    if (ready > 0 && ready >= needed) return this.beginCast();
    if (startBy !== null && this.now >= startBy) {
      this.session.startBy = null;
      this.note(null, `the start timeout is over: ${ready} of ${members.length} PCs are ready`);
      for (const member of members) {
        const lacking = howFar(member.phase);
        if (lacking !== null) this.note(member.pc, `missing at the start: ${lacking}`);
      }
      return this.beginCast();
    }
    if (ended === members.length) this.beginCast();
  }

  private beginCast(): void {
    this.session.phase = "casting";
    this.actions.push({ type: "cast-open" });
    for (const member of this.session.members) {
      if (member.phase.name === "ready") this.receive(member);
    }
  }

  private receive(member: Member): void {
    member.started = true;
    member.phase = { name: "receiving" };
    this.actions.push({ type: "cast-join", pc: member.pc });
  }

  private order(member: Member): void {
    if (isInCast(member.phase)) this.actions.push({ type: "cast-leave", pc: member.pc });
    member.phase = { name: "ordered", heardAt: this.now };
    member.fallback = null;
    member.laggard = null;
    this.actions.push({ type: "order", pc: member.pc, scan: member.started });
  }

  private lose(pc: string, reason: string): void {
    const member = this.find(pc);
    if (member === undefined) return;
    const { name } = member.phase;
    if (name === "absent" || name === "ended" || name === "lost") return;
    if (isInCast(member.phase)) this.actions.push({ type: "cast-leave", pc });
    member.phase = this.lostPhase(reason);
    this.note(pc, `${reason}; it may come back`);
  }

  private lostPhase(reason: string): MemberPhase {
    return { name: "lost", until: millis(this.now + rejoinGrace), reason };
  }

  private progress(event: Extract<SessionEvent, { type: "progress" }>): void {
    const { pc, phase, counters, trouble } = event;
    const member = this.find(pc);
    if (member === undefined) return;
    if (trouble !== (member.trouble ?? null)) {
      this.note(pc, trouble ?? "its disk answers again");
      member.trouble = trouble;
    }
    if (counters !== null) member.counters = counters;
    if (member.phase.name === "ordered") member.phase = { name: "ordered", heardAt: this.now };
    const isReceived = phase === "verifying" || phase === "growing";
    if (isReceived && member.phase.name === "receiving") member.phase = { name: "verifying" };
  }

  private result(event: Extract<SessionEvent, { type: "result" }>): void {
    const member = this.find(event.pc);
    if (member === undefined || member.phase.name === "ended") return;
    if (event.counters !== null) member.counters = event.counters;
    member.rootHash = event.rootHash;
    if (isInCast(member.phase)) this.actions.push({ type: "cast-leave", pc: member.pc });
    member.steps = event.steps;
    for (const { name, outcome, detail } of event.steps) {
      this.note(member.pc, `${name}: ${outcome}${detail === "" ? "" : `, ${detail}`}`);
    }
    if (event.outcome === "refused") return this.end(member, "failed", event.reason, true);
    if (event.outcome !== "verified") return this.end(member, event.outcome, event.reason);
    // The agent's word is not enough: what it read back has to be this image.
    if (event.rootHash !== null && event.rootHash === this.session.rootHash)
      return this.end(member, "verified", null);
    this.end(member, "failed", "the disk read back is not this image (another root hash)");
  }

  private release(member: Member, reason: string): void {
    const { name } = member.phase;
    if (isInCast(member.phase)) this.actions.push({ type: "cast-leave", pc: member.pc });
    if (name !== "absent" && name !== "lost" && name !== "ended") {
      this.actions.push({ type: "cancel", pc: member.pc, reason });
    }
  }

  private end(
    member: Member,
    result: "verified" | "failed" | "stopped",
    reason: string | null,
    refused = false,
  ): void {
    assert(member.phase.name !== "ended", "a member ends once");
    member.phase = { name: "ended", result, reason, refused };
    member.endedAt = this.isoTime;
    this.note(member.pc, reason === null ? result : `${result}: ${reason}`);
  }

  private endAll(result: "failed" | "stopped", reason: string): void {
    for (const member of this.session.members) {
      if (member.phase.name === "ended") continue;
      this.release(member, reason);
      this.end(member, result, reason);
    }
  }

  private finishIfAllEnded(): void {
    const { archive } = this.session;
    if (archive === "pending") return;
    for (const { phase } of this.session.members) {
      const booting =
        phase.name === "absent" && phase.bootingUntil !== null && this.now < phase.bootingUntil;
      if (phase.name !== "ended" && (phase.name !== "absent" || booting)) return;
    }
    for (const member of this.session.members) {
      if (member.phase.name === "absent") {
        this.end(member, "failed", howFar(member.phase));
      }
    }
    const verified = this.session.members.some(
      ({ phase }) => phase.name === "ended" && phase.result === "verified",
    );
    this.close(verified && archive !== "failed" ? "done" : "failed");
  }

  private close(phase: "done" | "failed" | "stopped"): void {
    if (this.session.phase === "casting") this.actions.push({ type: "cast-close" });
    this.session.phase = phase;
  }

  private find(pc: string): Member | undefined {
    return this.session.members.find((member) => member.pc === pc);
  }

  private note(pc: string | null, text: string): void {
    this.actions.push({ type: "note", pc, text });
  }
}

/** How far a PC got that is not ready yet; null for one that is, or has ended. */
function howFar(phase: MemberPhase): string | null {
  switch (phase.name) {
    case "absent":
      return phase.asked !== true
        ? "the PC was not on, or did not reach the server"
        : "the PC asked for its boot files, but its agent did not come: see its screen";
    case "ordered":
      return "it is connected, and still choosing or hashing its disk";
    case "lost":
      return phase.reason;
    default:
      return null;
  }
}

const after = (now: Millis, wait: Millis | null): Millis | null =>
  wait === null ? null : millis(now + wait);

const isInCast = (phase: MemberPhase): boolean =>
  phase.name === "receiving" || phase.name === "verifying";
