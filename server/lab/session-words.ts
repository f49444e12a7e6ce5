import { type AgentMessage, type BulkFrame, bulkKind } from "../../core/wire/control.ts";
import type { PcRecord } from "../state/records.ts";
import { CaptureRun } from "./capture-run.ts";
import { RestoreRun } from "./restore-run.ts";
import type { Runs, SessionsPorts } from "./runs.ts";

type Words = Pick<SessionsPorts, "send" | "isConnected" | "verified">;

/** What PCs and their agents say of sessions, brought to the session that it is about. */
export class SessionWords {
  private readonly runs: Runs;
  private readonly ports: Words;

  constructor(runs: Runs, ports: Words) {
    this.runs = runs;
    this.ports = ports;
  }

  /** The PC is connected, still at `task` or at none. */
  connected(pc: string, task: string | null): void {
    const run = this.runs.of(pc);
    if (task !== null && run?.record.id !== task) {
      this.ports.send(pc, { type: "cancel", task, reason: "that session is over" });
    }
    if (run instanceof RestoreRun) {
      if (this.isSender(run, pc)) run.live?.returned(task === run.record.id);
      else run.take({ type: "connected", pc });
    } else run?.reconnected(task === run.record.id);
  }

  /** A PC is in a room, newly or again: a restore that is under way there takes it in. */
  placed(pc: PcRecord): void {
    const run = this.runs.restores().find(({ record }) => record.room === pc.room);
    if (
      run === undefined ||
      pc.doubt !== undefined ||
      run.isMember(pc.id) ||
      this.runs.of(pc.id) !== undefined
    )
      return;
    run.take({ type: "admit", pc: pc.id, connected: this.ports.isConnected(pc.id) });
  }

  booting(pc: string): void {
    for (const run of this.runs.restores()) run.take({ type: "booting", pc });
  }

  lost(pc: string, reason: string): void {
    const run = this.runs.of(pc);
    if (run instanceof RestoreRun) {
      if (this.isSender(run, pc)) run.live?.lost(reason);
      else run.take({ type: "lost", pc, reason });
    } else run?.lost(reason);
  }

  bulk(pc: string, frame: BulkFrame): void {
    for (const run of this.runs.restores()) {
      if (run.record.cast.tag !== frame.tag) continue;
      if (frame.kind === bulkKind.wants) run.takeWants(pc, frame.payload);
      else if (frame.kind === bulkKind.report) run.takeReport(pc, frame.payload);
      else if (frame.kind === bulkKind.entries && this.isSender(run, pc))
        run.live?.takeEntries(frame.payload);
    }
  }

  message(
    pc: string,
    message: Extract<
      AgentMessage,
      { type: "ready" | "progress" | "delivery" | "cast-stats" | "result" }
    >,
  ): void {
    const run = this.runs.get(message.task);
    if (run instanceof CaptureRun) {
      if (run.record.pc !== pc) return;
      if (message.type === "progress" || message.type === "result") run.take(message);
      return;
    }
    if (run === undefined) {
      if (message.type !== "cast-stats") return;
      const { receivers: _, ...totals } = message.stats;
      return this.runs.takeLastTotals(message.task, pc, totals);
    }
    if (this.isSender(run, pc)) {
      if (message.type !== "ready" && message.type !== "delivery") run.live?.message(message);
      return;
    }
    if (message.type === "cast-stats") return;
    if (message.type === "ready") {
      run.take({ type: "ready", pc, disk: message.disk, counters: message.counters });
    } else if (message.type === "delivery") {
      const reason = message.way === "http" ? (message.reason ?? "no reason given") : null;
      run.take({ type: "fallback", pc, reason });
    } else if (message.type === "progress") {
      const { phase, counters, trouble = null } = message;
      if (phase === "capturing" || phase === "sending" || phase === "wiping") return;
      run.take({ type: "progress", pc, phase, counters, trouble });
    } else {
      const { reason, next, rootHash, counters, steps = [] } = message;
      const said = [reason, next].filter((part) => part !== null).join(": ");
      const { outcome } = message;
      run.take({
        type: "result",
        pc,
        outcome: outcome === "done" ? "failed" : outcome,
        reason: said === "" ? null : said,
        rootHash,
        counters,
        steps,
      });
      if (run.isVerified(pc)) this.ports.verified(pc);
    }
  }

  private isSender(run: RestoreRun, pc: string): boolean {
    return run.record.live?.sender === pc;
  }

  /** The person at the PC has stopped the task there. */
  stoppedAtPc(pc: string, task: string): void {
    const run = this.runs.get(task);
    if (run instanceof CaptureRun && run.record.pc === pc) run.stop();
    else if (run instanceof RestoreRun)
      run.take(this.isSender(run, pc) ? { type: "stop" } : { type: "drop", pc });
  }
}
