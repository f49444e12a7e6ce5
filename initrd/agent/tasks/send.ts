import type { CastSender, CastSenderStats } from "../../../core/cast/ends.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { encodeLivePlan } from "../../../core/image/live-plan.ts";
import { startCastSender } from "../../../core/node/cast/sender.ts";
import type { BlockDevice } from "../../../core/ports.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { stragglerText } from "../../../core/screen/straggler.ts";
import { chooseSource } from "../../../core/session/target.ts";
import { chunkLengthAt } from "../../../core/units/units.ts";
import { type BulkFrame, bulkKind, decodeNumbered } from "../../../core/wire/bulk.ts";
import type { CastKeys } from "../../../core/wire/cast-address.ts";
import type { CastOrder } from "../../../core/wire/orders.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import type { End } from "../../../core/wire/work.ts";
import { type DiskMap, draftOf, mapDisk, plannedBytes } from "../../../imaging/capture/disk-map.ts";
import { LiveChunks } from "../../../imaging/capture/live-chunks.ts";
import { sendLiveChunk, sendLivePlan } from "../../../imaging/capture/uplink.ts";
import { openDisk } from "../../../imaging/disk/disk.ts";
import { BusyMeter } from "../meter.ts";
import type { CapturePorts } from "./capture.ts";
import { EntryFlow } from "./entry-flow.ts";
import { ReceiverFrames } from "./receiver-frames.ts";
import { doneEnd, endOf, stoppedError, type Task, type TaskVoice } from "./task.ts";

export interface SendPorts extends CapturePorts, TaskVoice {
  readonly memoryBytes: number;
  /** IPv4 address and speed of the interface that the cast leaves by. */
  uplink(): Promise<{ readonly address: string | null; readonly linkBps: number | null }>;
}

/** A frame that the connection did not take is said again, in milliseconds. */
const sayEvery = 50;
const mib = 1024 * 1024;

/** Reads this PC's disk and casts it to the room in the same pass: the sender of a live cast. */
export function startSend(order: CastOrder, ports: SendPorts): Task {
  return new SendTask(order, ports);
}

class SendTask implements Task {
  readonly trouble = null;
  readonly ended: Promise<End>;
  disk: DiskView | null = null;
  private readonly order: CastOrder;
  private readonly ports: SendPorts;
  private readonly abort = new AbortController();
  private readonly finished: PromiseWithResolvers<void> = Promise.withResolvers();
  private readonly flow: EntryFlow;
  private readonly receivers = new ReceiverFrames();
  private grant: string;
  /** What is read, once the disk is mapped. */
  private live: { readonly chunks: LiveChunks; readonly diskBytes: number } | null = null;
  private sender: CastSender | null = null;
  private keys: CastKeys;
  private stats: CastSenderStats | null = null;
  private readonly busy = new BusyMeter();
  private bytes: { done: number; total: number | null } = { done: 0, total: null };

  constructor(order: CastOrder, ports: SendPorts) {
    this.order = order;
    this.keys = order.cast.keys;
    this.ports = ports;
    this.grant = order.grant;
    this.flow = new EntryFlow({
      tag: order.cast.tag,
      entries: () => this.live?.chunks.entries ?? [],
      sendBulk: ports.sendBulk,
      announce: (entryIndex, entry) => {
        const { sender, live } = this;
        if (sender === null || live === null) return false;
        sender.announce(entryIndex, entry);
        this.bytes.done += chunkLengthAt(entry.chunkIndex, live.diskBytes);
        return true;
      },
    });
    ports.listen(order, {
      told: (entryCount) => this.flow.told(entryCount),
      finish: () => this.finished.resolve(),
      bulk: (frame) => this.take(frame),
      reconnected: () => this.flow.reconnected(),
      refreshed: (newer) => {
        if (newer.type !== "cast") return;
        this.grant = newer.grant;
        this.rekey(newer.cast.keys);
      },
    });
    this.ended = this.run().catch((error: unknown) => endOf(error, null));
  }

  progress(): ReturnType<Task["progress"]> {
    const { done, total } = this.bytes;
    if (this.disk === null) return null;
    const diskBusy = this.busy.take(this.live?.chunks.busyMs ?? 0, performance.now());
    return { phase: "sending", bytesDone: done, bytesTotal: total, counters: null, diskBusy };
  }

  stop(reason: string): void {
    this.abort.abort(stoppedError(reason));
    this.finished.resolve();
  }

  private rekey(keys: CastKeys): void {
    if (keys.packet === this.keys.packet) return;
    this.keys = keys;
    this.sender?.rekey(keys);
  }

  private take({ kind, tag, payload }: BulkFrame): void {
    const decoded = decodeNumbered(payload);
    const { sender } = this;
    if (tag !== this.order.cast.tag || !decoded.ok || sender === null) return;
    if (kind === bulkKind.upload) this.upload(decoded.value.number);
    else this.receivers.take(sender, kind, decoded.value);
  }

  private async run(): Promise<End> {
    const { order, ports } = this;
    const { signal } = this.abort;
    const choice = chooseSource(ports.candidates(), order.disk, null, order.meant);
    if (choice.kind === "refused") throw new RoomcastError("refused", choice.reason, choice.next);
    this.disk = choice.disk;
    await using disk = await openDisk(choice.disk.path, { write: false });
    ports.milestone(`casting ${choice.disk.path} to the room`);
    const map = await mapDisk({ disk, raw: order.raw, signal, log: (text) => ports.log(text) });
    this.bytes.total = plannedBytes(map.plan, disk.size);
    const chunks = this.chunksOf(disk, map);
    this.live = { chunks, diskBytes: disk.size };
    const { keys } = this;
    const sender = await this.openSender(chunks, map.plan.chunks.length, keys);
    this.sender = sender;
    if (this.keys !== keys) sender.rekey(this.keys);
    const voice = setInterval(() => this.flow.say(), sayEvery);
    try {
      const source = `${ports.pcName}, ${diskIdentity(choice.disk)}, roomcast ${ports.agentVersion}`;
      await sendLivePlan(
        this.uplinkOptions(),
        encodeLivePlan({
          manifest: draftOf(disk, map, source),
          chunkIndexes: Uint32Array.from(map.plan.chunks, ({ chunkIndex }) => chunkIndex),
        }),
      );
      const broken = sender.ended.then(() => this.finished.promise);
      await Promise.race([chunks.run(), broken]);
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
    return doneEnd;
  }

  private chunksOf(disk: BlockDevice, { plan }: DiskMap): LiveChunks {
    const { order, ports } = this;
    const { chunks } = plan;
    return new LiveChunks({
      disk,
      chunks,
      holdLimit: order.delta
        ? 0
        : Math.max(24, Math.min(64, Math.floor(ports.memoryBytes / 16 / mib))),
      signal: this.abort.signal,
      known: () => this.flow.say(),
      isAwaited: () => this.isAwaited(chunks.length),
    });
  }

  private async openSender(
    chunks: LiveChunks,
    entryCount: number,
    keys: CastKeys,
  ): Promise<CastSender> {
    const { order, ports } = this;
    const { address, linkBps } = await ports.uplink();
    if (address === null) {
      const next = "check the cable and the DHCP server, or name the interface with --interface";
      throw new RoomcastError("failed", "this PC has no IPv4 address to cast from", next);
    }
    return startCastSender(
      {
        ...order.cast,
        keys,
        interfaceAddress: address,
        index: { entryCount },
        source: { read: (entryIndex) => chunks.read(entryIndex) },
        rateLimitBps: order.rateLimitBps,
        linkBps,
      },
      { stats: (stats) => this.takeStats(stats) },
    );
  }

  /** Whether a receiver wants something that was announced, or nobody is there yet. */
  private isAwaited(entryCount: number): boolean {
    const unannounced = entryCount - this.flow.announcedCount;
    const receivers = this.stats?.receivers ?? [];
    if (receivers.length === 0) return true;
    return receivers.some(({ entriesWanted }) => entriesWanted > unannounced);
  }

  private takeStats(stats: CastSenderStats): void {
    this.stats = stats;
    const receivers = stats.receivers.map(({ receiver, reason, shown, sent }) => ({
      ...{ receiver, sent },
      straggling: reason === null ? null : stragglerText(reason),
      slow: shown === null ? null : stragglerText(shown),
    }));
    const { session, attempt } = this.order;
    this.ports.send({ type: "cast-stats", session, attempt, stats: { ...stats, receivers } });
  }

  private uplinkOptions(): Parameters<typeof sendLivePlan>[0] {
    const { session: task } = this.order;
    const { signal } = this.abort;
    return { server: this.ports.server, task, signal, grant: () => this.grant };
  }

  /** The server does not hear the cast: a chunk goes to it by HTTP. */
  private upload(entryIndex: number): void {
    const { live, ports } = this;
    const entry = live?.chunks.entries[entryIndex];
    if (live === null || entry === undefined) return;
    live.chunks
      .read(entryIndex)
      .then((stored) => sendLiveChunk(this.uplinkOptions(), { entry, stored }))
      .catch((error: unknown) => ports.log(`chunk ${entryIndex} not sent to the server: ${error}`));
  }
}
