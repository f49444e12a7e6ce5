import type { Manifest } from "../../core/image/types.ts";
import type { AgentMessage, ServerMessage } from "../../core/wire/control.ts";
import type { PcState, SessionState, SessionView } from "../../core/wire/views.ts";
import type { CaptureRecord } from "../state/records.ts";
import type { ImageWriter } from "../store/image-store.ts";
import type { DiskSettings } from "./restore-run.ts";

/** How long a capture waits for an agent whose connection broke; its uploads are retried meanwhile. */
const reconnectLimit = 20_000;
/** Progress is stored at most this often, in milliseconds. */
const persistEvery = 2000;

export interface CapturePorts {
  send(pc: string, message: ServerMessage): void;
  diskSettingsOf(pc: string): DiskSettings;
  isoTime(): string;
  persist(record: CaptureRecord): void;
  changed(run: CaptureRun): void;
  note(session: string, pc: string | null, text: string): void;
  ended(run: CaptureRun): void;
}

/** A capture under way: one PC reads its disk, its chunks go to `writer`; nothing is visible before the commit. */
export class CaptureRun {
  readonly record: CaptureRecord;
  readonly writer: ImageWriter;
  private readonly ports: CapturePorts;
  private giveUp: NodeJS.Timeout | undefined;
  private committed = false;
  private persistedAt = 0;
  private spaceAsked = false;

  constructor(record: CaptureRecord, writer: ImageWriter, ports: CapturePorts) {
    this.record = record;
    this.writer = writer;
    this.ports = ports;
  }

  order(): void {
    const { id, name, disk, raw, pc } = this.record;
    const { disk: policy } = this.ports.diskSettingsOf(pc);
    this.ports.send(pc, { type: "capture", task: id, name, disk, policy, raw });
  }

  /** The agent is there again. One that was restarted has lost its place. */
  reconnected(stillAtTask: boolean): void {
    clearTimeout(this.giveUp);
    if (!stillAtTask && !this.committed)
      this.end("failed", "the PC was restarted during the capture");
  }

  lost(reason: string): void {
    clearTimeout(this.giveUp);
    this.giveUp = setTimeout(() => this.end("failed", reason), reconnectLimit);
  }

  take(message: Extract<AgentMessage, { type: "progress" | "result" }>): void {
    const { record } = this;
    if (record.endedAt !== null) return;
    if (message.counters !== null) record.counters = message.counters;
    if (message.type === "progress") {
      record.bytesDone = message.bytesDone;
      record.bytesTotal = message.bytesTotal;
      if (record.bytesTotal !== null) this.requireSpace(record.bytesTotal);
      if (performance.now() - this.persistedAt > persistEvery) this.persist();
      this.ports.changed(this);
      return;
    }
    if (message.outcome === "done" && this.committed) return this.end("verified", null);
    const said = [message.reason, message.next].filter((part) => part !== null).join(": ");
    if (message.outcome === "stopped") this.end("stopped", said || "stopped");
    else {
      record.refused = message.outcome === "refused";
      this.end("failed", said || "the agent ended without an image");
    }
  }

  /** The image is in the store and visible. */
  commit(manifest: Manifest): void {
    this.committed = true;
    this.record.image = `${manifest.name}@${manifest.version}`;
    this.persist();
    this.ports.note(this.record.id, this.record.pc, `captured as ${this.record.image}`);
  }

  stop(): void {
    const reason = "stopped by an operator";
    this.ports.send(this.record.pc, { type: "cancel", task: this.record.id, reason });
    this.end("stopped", reason);
  }

  /** As soon as the PC knows how much it will read. */
  private requireSpace(usedBytes: number): void {
    if (this.spaceAsked) return;
    this.spaceAsked = true;
    this.writer.requireSpace(usedBytes).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.ports.send(this.record.pc, { type: "cancel", task: this.record.id, reason });
      this.end("failed", reason);
    });
  }

  private end(result: "verified" | "failed" | "stopped", reason: string | null): void {
    if (this.record.endedAt !== null) return;
    clearTimeout(this.giveUp);
    // An image that is committed stays, whatever became of the agent afterwards.
    this.record.result = this.committed ? "verified" : result;
    this.record.reason = this.committed ? null : reason;
    this.record.endedAt = this.ports.isoTime();
    this.persist();
    this.ports.note(
      this.record.id,
      this.record.pc,
      reason === null ? result : `${result}: ${reason}`,
    );
    this.ports.ended(this);
  }

  private persist(): void {
    this.persistedAt = performance.now();
    this.ports.persist(this.record);
  }
}

const endState: Record<CaptureRecord["result"], SessionState> = {
  pending: "casting",
  verified: "done",
  failed: "failed",
  stopped: "stopped",
};

/** The contract's view of a capture: a session of one PC. Its `bytesReceived` is what was read of `bytesWanted`. */
export function captureView(record: CaptureRecord, name: string, pcState: PcState): SessionView {
  return {
    id: record.id,
    kind: "capture",
    image: record.image ?? record.name,
    room: null,
    sender: record.pc,
    state: endState[record.result],
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    rateBps: null,
    bytesSent: 0,
    parityBytes: 0,
    repairBytes: 0,
    passes: 0,
    notices: [],
    members: [
      {
        pc: record.pc,
        name,
        state: record.endedAt === null ? "capturing" : pcState,
        result: record.result,
        reason: record.reason,
        refused: record.refused ?? false,
        lane: null,
        laneReason: null,
        disk: record.source,
        bytesWanted: record.bytesTotal,
        bytesReceived: record.bytesDone,
        bytesWritten: 0,
        bytesVerified: null,
        chunksKept: 0,
        chunksWritten: 0,
        lossRatio: null,
        writeBps: null,
        startedAt: record.startedAt,
        endedAt: record.endedAt,
        rootHash: null,
        steps: [],
      },
    ],
  };
}
