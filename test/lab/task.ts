/** The work of an agent, on a disk of a few cells: with the rules of the real tasks, in lab time. */
import type { Order } from "../../core/agent/life.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { DiskView } from "../../core/wire/views.ts";
import type { Counters, End } from "../../core/wire/work.ts";
import { type LabDisk, rootHashOf, zero } from "./disk.ts";

export interface TaskPorts {
  readonly disk: LabDisk;
  readonly writeMs: number;
  readonly progressMs: number;
  readonly isDeaf: boolean;
  /** How long it takes until the disk is chosen. */
  readonly prepareMs: number;
  readonly isRefused: boolean;
  after(ms: number, run: () => void): void;
  send(message: AgentMessage): void;
  /** The HTTP side of the server; null: it does not answer, or not with this grant. */
  server(): TaskServer | null;
  /** A cell is about to be written. */
  writing(order: Order): void;
  hangs(): void;
  ended(end: End): void;
}

/** What tasks ask of the server by HTTP. */
export interface TaskServer {
  /** The cells of what the session casts; null where they are not known yet, or the session is over. */
  fetch(session: string): readonly (string | null)[] | null;
  /** Of a live cast: every hash is known. */
  isSealed(session: string): boolean;
  planned(session: string): boolean;
  read(session: string, index: number, value: string): boolean;
  sealed(session: string): boolean;
  commit(session: string, cells: readonly string[]): boolean;
}

/** How long a PC that hears no multicast waits before it turns to HTTP. */
const deafMs = 3000;
const retryMs = 1000;

const grantIn = (order: Order): string => (order.type === "wipe" ? "" : order.grant);

const emptyCounters: Counters = {
  bytesWanted: 0,
  bytesReceived: 0,
  bytesWritten: 0,
  bytesVerified: 0,
  chunksKept: 0,
  chunksWritten: 0,
  forgedPackets: 0,
  lossRatio: null,
  writeBps: null,
};

export const labDisk: DiskView = {
  path: "/dev/sda",
  size: 1e9,
  logicalSector: 512,
  model: null,
  serial: null,
  wwn: null,
  transport: "sata",
  rotational: null,
  health: null,
  protection: null,
};

export class LabTask {
  readonly order: Order;
  /** What it shows with what it asks for by HTTP. */
  grant: string;
  private readonly ports: TaskPorts;
  private phase: "preparing" | Extract<AgentMessage, { type: "progress" }>["phase"] = "preparing";
  private isOver = false;
  private stopReason: string | null = null;
  private isHung = false;
  private isReceiving = false;
  private isUnicast = false;
  private readonly wanted = new Set<number>();
  private readonly queue: { readonly index: number; readonly value: string }[] = [];
  private isWriting = false;
  private hasArrived = false;
  private done = 0;
  /** What was read, of a sender or a capture. */
  private readonly cells: string[] = [];
  private finish: (() => void) | null = null;
  private isFinishing = false;

  constructor(order: Order, ports: TaskPorts) {
    this.order = order;
    this.grant = grantIn(order);
    this.ports = ports;
    this.after(ports.prepareMs, () => {
      if (ports.isRefused) return this.end("refused", "no disk of this PC may be taken");
      switch (order.type) {
        case "restore":
          return this.scan(order.scan);
        case "wipe":
          this.phase = "wiping";
          return this.wipe(0);
        case "capture":
          this.phase = "capturing";
          return this.read(0);
        case "cast":
          return this.map();
      }
    });
    this.sayProgress();
  }

  stop(reason: string): void {
    this.stopReason = reason;
    if (!this.isHung) this.ports.after(this.ports.writeMs, () => this.end("stopped", reason));
  }

  /** A disk that hung answers again. */
  unhang(): void {
    if (!this.isHung) return;
    this.isHung = false;
    if (this.stopReason !== null) this.end("stopped", this.stopReason);
    else this.afterHang();
  }

  /** The order has come again: its grant counts from here on. */
  refreshed(order: Order): void {
    this.grant = grantIn(order);
  }

  /** The connection is made anew. */
  reconnected(): void {
    if (this.isReceiving) this.sayReady();
  }

  told(): void {
    this.isFinishing = true;
    this.finish?.();
  }

  /** Whether this work takes part in the cast of the session. */
  isIn(session: string): boolean {
    return this.isReceiving && this.order.session === session && this.stopReason === null;
  }

  arrive(index: number, value: string): void {
    if (!this.isReceiving || !this.wanted.delete(index)) return;
    this.hasArrived = true;
    if (this.ports.disk.cells[index] !== value) this.queue.push({ index, value });
    this.write();
  }

  // --- a restore

  private scan(isScanned: boolean): void {
    const { disk, writeMs } = this.ports;
    this.phase = isScanned ? "scanning" : "receiving";
    const begin = (): void => {
      disk.cells.forEach((_, index) => {
        this.wanted.add(index);
      });
      this.isReceiving = true;
      this.phase = "receiving";
      this.sayReady();
      this.after(deafMs, () => this.fetch());
    };
    if (!isScanned) return begin();
    this.after(writeMs * disk.cells.length, begin);
  }

  private sayReady(): void {
    const { session, attempt } = this.order;
    this.ports.send({ type: "ready", session, attempt, disk: labDisk, counters: emptyCounters });
    if (this.isUnicast) this.sayUnicast();
  }

  private sayUnicast(): void {
    const { session, attempt } = this.order;
    this.ports.send({
      ...{ type: "delivery", session, attempt, way: "http" },
      reason: "no multicast reaches this PC",
    });
  }

  /** Over HTTP, cell by cell, when multicast does not come. */
  private fetch(): void {
    if (!this.isReceiving) return;
    if (!this.hasArrived && this.ports.isDeaf && !this.isUnicast) {
      this.isUnicast = true;
      this.sayUnicast();
    }
    const { session } = this.order;
    const cells = this.isUnicast ? this.ports.server()?.fetch(session) : undefined;
    for (const index of cells == null ? [] : this.wanted) {
      const value = cells?.[index] ?? null;
      if (value === null) continue;
      this.arrive(index, value);
      break;
    }
    this.after(retryMs, () => this.fetch());
  }

  private write(): void {
    const [next] = this.queue;
    if (this.isWriting) return;
    if (next === undefined) {
      if (this.wanted.size === 0) this.verify();
      return;
    }
    this.isWriting = true;
    this.access(this.ports.writeMs, (isSpoilt) => {
      this.queue.shift();
      this.put(next.index, next.value, isSpoilt);
      this.isWriting = false;
      this.write();
    });
  }

  private verify(): void {
    const { order } = this;
    if (order.type !== "restore" || this.phase === "verifying") return;
    const server = this.ports.server();
    // The entries of a live cast come by the server, so nobody has all before it has.
    if (order.live !== "no" && server?.isSealed(order.session) !== true)
      return this.after(retryMs, () => this.verify());
    this.phase = "verifying";
    const { disk, writeMs } = this.ports;
    const written = rootHashOf(disk.cells.map((cell) => cell.replace(/^(spoilt )+/, "")));
    this.access(writeMs * disk.cells.length, () => {
      this.isReceiving = false;
      this.end("verified", null, order.verify === "read-back" ? disk.rootHash : written);
    });
  }

  // --- the others

  private wipe(index: number): void {
    if (index === this.ports.disk.cells.length) return this.end("done", null);
    this.access(this.ports.writeMs, (isSpoilt) => {
      this.put(index, zero, isSpoilt);
      this.wipe(index + 1);
    });
  }

  private read(index: number): void {
    const { disk, server } = this.ports;
    const { session } = this.order;
    if (index === disk.cells.length) {
      const commit = (): void => {
        if (server()?.commit(session, this.cells) === true)
          return this.end("done", null, rootHashOf(this.cells));
        this.after(retryMs, commit);
      };
      return commit();
    }
    this.access(this.ports.writeMs, () => {
      this.cells.push(disk.cells[index] as string);
      this.done++;
      this.read(index + 1);
    });
  }

  private map(): void {
    const { writeMs, server } = this.ports;
    this.phase = "sending";
    this.after(writeMs * 2, () => {
      const plan = (): void => {
        if (server()?.planned(this.order.session) === true) return this.sendFrom(0);
        this.after(retryMs, plan);
      };
      plan();
    });
  }

  private sendFrom(index: number): void {
    const { disk, server } = this.ports;
    const { session } = this.order;
    if (index === disk.cells.length) {
      const seal = (): void => {
        if (server()?.sealed(session) !== true) return this.after(retryMs, seal);
        this.finish = () => this.end("done", null);
        if (this.isFinishing) this.finish();
      };
      return seal();
    }
    this.access(this.ports.writeMs, () => {
      const value = disk.cells[index] as string;
      const say = (): void => {
        if (server()?.read(session, index, value) !== true) return this.after(retryMs, say);
        this.done++;
        this.sendFrom(index + 1);
      };
      say();
    });
  }

  // --- all

  private afterHang: () => void = () => {};

  /** One access to the disk takes its time, and may go wrong. */
  private access(ms: number, then: (isSpoilt: boolean) => void): void {
    this.after(ms, () => {
      const met = this.ports.disk.meet();
      if (met === "fails") return this.end("failed", "the disk answers with an error");
      const isSpoilt = met === "lies";
      if (met !== "hangs") return then(isSpoilt);
      this.isHung = true;
      this.ports.hangs();
      this.afterHang = () => then(false);
    });
  }

  private put(index: number, value: string, isSpoilt: boolean): void {
    this.ports.writing(this.order);
    this.ports.disk.write(index, value, isSpoilt);
    this.done++;
  }

  private sayProgress(): void {
    this.ports.after(this.ports.progressMs, () => {
      if (this.isOver) return;
      const { session, attempt } = this.order;
      const { phase } = this;
      if (phase !== "preparing") {
        this.ports.send({
          ...{ type: "progress", session, attempt, phase, bytesDone: this.done, bytesTotal: null },
          counters: null,
          trouble: this.isHung ? "the disk does not answer" : null,
        });
      }
      this.sayProgress();
    });
  }

  private after(ms: number, run: () => void): void {
    this.ports.after(ms, () => {
      if (!this.isOver && this.stopReason === null) run();
    });
  }

  private end(
    outcome: End["outcome"],
    reason: string | null,
    rootHash: string | null = null,
  ): void {
    if (this.isOver) return;
    this.isOver = true;
    this.isReceiving = false;
    this.ports.ended({ outcome, reason, next: null, rootHash, counters: null });
  }
}
