import type { CastSender, CastSenderStats } from "../../../core/cast/ends.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { encodeLivePlan } from "../../../core/image/live-plan.ts";
import type { IndexEntry } from "../../../core/image/types.ts";
import { startCastSender } from "../../../core/node/cast/sender.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { stragglerText } from "../../../core/screen/straggler.ts";
import { chooseSource } from "../../../core/session/target.ts";
import { chunkLengthAt } from "../../../core/units/units.ts";
import {
  type AgentMessage,
  type BulkFrame,
  bulkKind,
  type CastOrder,
  decodeNumbered,
  encodeNumbered,
  type ServerMessage,
} from "../../../core/wire/control.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { draftOf, mapDisk, plannedBytes } from "../../../imaging/capture/disk-map.ts";
import { LiveChunks } from "../../../imaging/capture/live-chunks.ts";
import { sendLiveChunk, sendLivePlan } from "../../../imaging/capture/uplink.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import type { CapturePorts } from "./capture-task.ts";
import { endOf, stoppedError, type Task, type TaskEnd } from "./task.ts";

export interface CastPorts extends CapturePorts {
  readonly memoryBytes: number;
  /** IPv4 address and speed of the interface that the cast leaves by. */
  uplink(): Promise<{ readonly address: string | null; readonly linkBps: number | null }>;
  send(message: AgentMessage): boolean;
  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean;
}

/** From when the receivers are told of a chunk until it is cast, in milliseconds: by then they know it. */
const toldLead = 60;
/** Entries in a frame: 48 KB. */
const frameEntries = 1024;
/** A frame that the connection did not take is said again, in milliseconds. */
const sayEvery = 50;
const mib = 1024 * 1024;

/** The sender of a live cast: reads this PC's disk and casts it to the room in the same pass. */
export class CastTask implements Task {
  readonly kind = "cast";
  readonly state = "sending";
  readonly trouble = null;
  readonly ended: Promise<TaskEnd>;
  private readonly order: CastOrder;
  private readonly ports: CastPorts;
  private readonly abort = new AbortController();
  private readonly finished: PromiseWithResolvers<void> = Promise.withResolvers();
  private disk_: DiskView | null = null;
  private chunks: LiveChunks | null = null;
  private bytesTotal: number | null = null;
  private bytesDone = 0;
  private diskBytes = 0;
  private sender: CastSender | null = null;
  private stats: CastSenderStats | null = null;
  /** Entries that were said to the server, that it has handed on, and that the sender may cast. */
  private saidCount = 0;
  private toldCount = 0;
  private announcedCount = 0;

  constructor(order: CastOrder, ports: CastPorts) {
    this.order = order;
    this.ports = ports;
    this.ended = this.run().catch((error: unknown) => endOf(error, null));
  }

  get id(): string {
    return this.order.task;
  }

  get image(): string {
    return this.order.image;
  }

  get disk(): DiskView | null {
    return this.disk_;
  }

  progress(): ReturnType<Task["progress"]> {
    const { bytesDone, bytesTotal } = this;
    return this.disk_ === null ? null : { phase: "sending", bytesDone, bytesTotal, counters: null };
  }

  resume(): void {}

  noteRoomRate(): void {}

  stop(reason: string): void {
    this.abort.abort(stoppedError(reason));
    this.finished.resolve();
  }

  hear(message: Extract<ServerMessage, { type: "told" | "finish" }>): void {
    if (message.type === "finish") return this.finished.resolve();
    // After a break the server says how far it has got: what was lost on the way is said again.
    if (message.entryCount < this.saidCount && message.entryCount <= this.toldCount)
      this.saidCount = message.entryCount;
    this.toldCount = Math.max(this.toldCount, message.entryCount);
    this.say();
    const due = this.toldCount;
    setTimeout(() => this.announce(due), toldLead);
  }

  bulk({ kind, tag, payload }: BulkFrame): void {
    const decoded = decodeNumbered(payload);
    const { sender } = this;
    if (tag !== this.order.cast.tag || !decoded.ok || sender === null) return;
    const { number, rest } = decoded.value;
    if (kind === bulkKind.join) sender.join(number, rest);
    else if (kind === bulkKind.feedback) sender.report(number, rest);
    else if (kind === bulkKind.leave) sender.leave(number);
    else if (kind === bulkKind.upload) this.upload(number);
  }

  private async run(): Promise<TaskEnd> {
    const { order, ports } = this;
    const { signal } = this.abort;
    const choice = chooseSource(ports.candidates(), order.disk);
    if (choice.kind === "refused") throw new RoomcastError("refused", choice.reason, choice.next);
    this.disk_ = choice.disk;
    const { path } = choice.disk;
    await using disk = await openDisk(path, { write: false });
    this.diskBytes = disk.size;
    ports.milestone(`casting ${path} to the room`);
    const map = await mapDisk({
      disk,
      raw: order.raw,
      signal,
      log: (text) => ports.log(text),
    });
    const { chunks } = map.plan;
    this.bytesTotal = plannedBytes(map.plan, disk.size);
    const source = `${ports.pcName}, ${diskIdentity(choice.disk)}, roomcast ${ports.agentVersion}`;
    const live = new LiveChunks({
      disk,
      chunks,
      holdLimit: order.delta
        ? 0
        : Math.max(24, Math.min(64, Math.floor(ports.memoryBytes / 16 / mib))),
      signal,
      known: () => this.say(),
      isAwaited: () => this.isAwaited(chunks.length),
    });
    this.chunks = live;
    const { address, linkBps } = await ports.uplink();
    if (address === null) {
      const next = "check the cable and the DHCP server, or name the interface with --interface";
      throw new RoomcastError("failed", "this PC has no IPv4 address to cast from", next);
    }
    const sender = await startCastSender(
      {
        ...order.cast,
        interfaceAddress: address,
        index: { entryCount: chunks.length },
        source: { read: (entryIndex) => live.read(entryIndex) },
        rateLimitBps: order.rateLimitBps,
        linkBps,
      },
      { stats: (stats) => this.takeStats(stats) },
    );
    this.sender = sender;
    const voice = setInterval(() => this.say(), sayEvery);
    try {
      await sendLivePlan(
        { server: ports.server, task: order.task, signal },
        encodeLivePlan({
          manifest: draftOf(disk, map, source),
          chunkIndexes: Uint32Array.from(chunks, ({ chunkIndex }) => chunkIndex),
        }),
      );
      const broken = sender.ended.then(() => this.finished.promise);
      await Promise.race([live.run(), broken]);
      await Promise.race([this.finished.promise, broken]);
      signal.throwIfAborted();
    } finally {
      clearInterval(voice);
      // Whatever it was that ended: nobody reads on.
      this.abort.abort(stoppedError("the cast is over"));
      this.sender = null;
      await sender.close();
    }
    ports.milestone("the room has it");
    return { outcome: "done", reason: null, next: null, rootHash: null, counters: null };
  }

  /** Says to the server what it has not been told of yet, as far as the connection takes it. */
  private say(): void {
    const entries = this.chunks?.entries ?? [];
    const { tag } = this.order.cast;
    while (this.saidCount < entries.length) {
      const part = entries.slice(this.saidCount, this.saidCount + frameEntries);
      const payload = encodeNumbered(this.saidCount, encodeIndex(part));
      if (!this.ports.sendBulk(bulkKind.entries, tag, payload)) return;
      this.saidCount += part.length;
    }
  }

  private announce(toCount: number): void {
    const { sender, chunks } = this;
    if (sender === null || chunks === null) return;
    for (; this.announcedCount < toCount; this.announcedCount++) {
      const { chunkIndex, storedLength } = chunks.entries[this.announcedCount] as IndexEntry;
      sender.announce(this.announcedCount, storedLength);
      this.bytesDone += chunkLengthAt(chunkIndex, this.diskBytes);
    }
  }

  /** Whether a receiver wants something that was announced, or nobody is there yet. */
  private isAwaited(entryCount: number): boolean {
    const unannounced = entryCount - this.announcedCount;
    const receivers = this.stats?.receivers ?? [];
    if (receivers.length === 0) return true;
    return receivers.some(({ entriesWanted }) => entriesWanted > unannounced);
  }

  private takeStats(stats: CastSenderStats): void {
    this.stats = stats;
    const receivers = stats.receivers.map(({ receiver, reason }) => ({
      receiver,
      laggard: reason === null ? null : stragglerText(reason),
    }));
    this.ports.send({ type: "cast-stats", task: this.order.task, stats: { ...stats, receivers } });
  }

  /** The server does not hear the cast: a chunk goes to it by HTTP. */
  private upload(entryIndex: number): void {
    const { chunks, order, ports } = this;
    const entry = chunks?.entries[entryIndex];
    if (chunks === null || entry === undefined) return;
    const uplink = { server: ports.server, task: order.task, signal: this.abort.signal };
    chunks
      .read(entryIndex)
      .then((stored) => sendLiveChunk(uplink, { entry, stored }))
      .catch((error: unknown) => ports.log(`chunk ${entryIndex} not sent to the server: ${error}`));
  }
}
