import type { LivePlan } from "../../core/image/live-plan.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { AgentMessage, CastStats } from "../../core/wire/control.ts";
import type { LiveOrigin } from "../state/records.ts";
import type { ImageWriter } from "../store/image-store.ts";
import { LiveCast, type LiveCastPorts } from "./live-cast.ts";
import type { RestoreRun } from "./restore-run.ts";

/** How long a live cast waits for a sender whose connection broke, in milliseconds. */
const reconnectLimit = 15_000;

export interface LiveRunPorts extends Pick<LiveCastPorts, "send" | "sendBulk" | "startReceiver"> {
  nameOf(pc: string): string;
  isConnected(pc: string): boolean;
  note(session: string, pc: string | null, text: string): void;
  committed(manifest: Manifest): void;
  rateLimitBps(room: string | null): number | null;
}

/** A live cast under way: the PC that sends, the archive, and the session of those that receive. */
export class LiveRun {
  readonly cast: LiveCast;
  private readonly writer: ImageWriter;
  private readonly run: RestoreRun;
  private readonly live: LiveOrigin;
  private readonly ports: LiveRunPorts;
  private giveUp: NodeJS.Timeout | undefined;
  private isSealed = false;
  private isArchived = false;

  constructor(run: RestoreRun, live: LiveOrigin, writer: ImageWriter, ports: LiveRunPorts) {
    this.run = run;
    this.live = live;
    this.writer = writer;
    this.ports = ports;
    const { record } = run;
    this.cast = new LiveCast(
      { task: record.id, address: record.cast, master: live.sender, writer },
      {
        send: ports.send,
        sendBulk: ports.sendBulk,
        startReceiver: ports.startReceiver,
        planned: () => this.planned(),
        sealed: (rootHash, storedBytes) => {
          this.isSealed = true;
          record.imageStoredBytes = storedBytes;
          run.take({ type: "sealed", rootHash });
          this.commitIfWhole();
        },
        archived: (trouble) => {
          if (trouble !== null) return this.archiveFailed(trouble);
          this.isArchived = true;
          this.commitIfWhole();
        },
        receivers: () => run.servedPcs(),
      },
    );
  }

  /** Orders the PC to map its disk and send it. */
  order(): void {
    const { record } = this.run;
    const { sender, saveAs, disk, raw } = this.live;
    this.ports.send(sender, {
      type: "cast",
      task: record.id,
      image: saveAs ?? `to ${record.room ?? "the chosen PCs"}`,
      disk,
      raw,
      cast: record.cast,
      rateLimitBps: this.ports.rateLimitBps(record.room),
      delta: record.delta,
    });
  }

  /** Rejects with a RoomcastError when the server cannot take part; the session ends then. */
  async takePlan(plan: LivePlan): Promise<void> {
    try {
      if (this.live.saveAs !== null) await this.writer.requireSpace(plan.manifest.usedBytes);
      await this.cast.takePlan(plan);
    } catch (error) {
      this.breakCast(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  takeEntries(payload: Uint8Array): void {
    try {
      this.cast.takeEntries(payload);
    } catch (error) {
      this.breakCast(error instanceof Error ? error.message : String(error));
    }
  }

  /** The sender's agent is connected; one that was started anew has lost its place. */
  returned(stillAtTask: boolean): void {
    clearTimeout(this.giveUp);
    if (stillAtTask) this.cast.masterReturned();
    else this.breakCast("it was restarted while it was sending");
  }

  lost(reason: string): void {
    clearTimeout(this.giveUp);
    this.giveUp = setTimeout(() => this.breakCast(reason), reconnectLimit);
  }

  message(message: Extract<AgentMessage, { type: "progress" | "result" }> | CastStats): void {
    switch (message.type) {
      case "cast-stats": {
        const { receivers, ...totals } = message.stats;
        return this.run.takeStats(totals, receivers);
      }
      case "progress":
        return;
      case "result": {
        const said = [message.reason, message.next].filter((part) => part !== null).join(": ");
        if (message.outcome === "stopped") return this.run.take({ type: "stop" });
        return this.breakCast(said || "its agent ended before the room had everything");
      }
    }
  }

  /** The session is over. */
  over(): void {
    clearTimeout(this.giveUp);
    const { id, session } = this.run.record;
    const { sender } = this.live;
    const isWhole = this.isSealed && session.phase !== "stopped";
    if (isWhole) this.ports.send(sender, { type: "finish", task: id });
    else this.ports.send(sender, { type: "cancel", task: id, reason: `session ${id} is over` });
    this.cast.close().catch((error: unknown) => {
      this.ports.note(id, null, `what the live cast left could not be tidied up: ${error}`);
    });
  }

  private planned(): void {
    const { run, ports } = this;
    ports.note(run.record.id, this.live.sender, "has mapped its disk and sends it");
    for (const { pc } of run.record.session.members)
      if (ports.isConnected(pc)) run.take({ type: "connected", pc });
  }

  /** The archive is an image as soon as every hash is known and every chunk is here. */
  private commitIfWhole(): void {
    if (!this.isSealed || !this.isArchived || this.live.saveAs === null) return;
    const { record } = this.run;
    this.cast.commit().then(
      (manifest) => {
        record.image = `${manifest.name}@${manifest.version}`;
        record.imageId = manifest.id;
        this.ports.note(record.id, this.live.sender, `stored as ${record.image}`);
        this.ports.committed(manifest);
        this.run.take({ type: "archived", isStored: true });
      },
      (error: unknown) =>
        this.archiveFailed(error instanceof Error ? error.message : String(error)),
    );
  }

  /** The room is served all the same; where the archive was asked for, the session has failed in the end. */
  private archiveFailed(why: string): void {
    const { live } = this;
    if (live.trouble !== null) return;
    live.trouble =
      live.saveAs === null
        ? `the server keeps no copy for PCs that multicast does not reach: ${why}`
        : `no image ${live.saveAs} was stored: ${why}`;
    this.ports.note(this.run.record.id, null, live.trouble);
    this.run.take({ type: "archived", isStored: false });
  }

  private breakCast(why: string): void {
    const name = this.ports.nameOf(this.live.sender);
    const reason = `the PC that sends, ${name}, failed: ${why}`;
    this.run.take({ type: "cast-broken", reason });
  }
}
