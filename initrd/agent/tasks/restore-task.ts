import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
  CastReceiverStats,
} from "../../../core/cast/ends.ts";
import { assert, errorText, RoomcastError } from "../../../core/errors.ts";
import { misfitOf } from "../../../core/image/fit.ts";
import { decodeEntry } from "../../../core/image/index-codec.ts";
import { type IndexEntry, indexEntryBytes } from "../../../core/image/types.ts";
import type { Clock } from "../../../core/ports.ts";
import { diskIdentity } from "../../../core/screen/disk.ts";
import { type Candidate, chooseTarget } from "../../../core/session/target.ts";
import { chunkBytes } from "../../../core/units/units.ts";
import {
  type AgentMessage,
  type BulkFrame,
  bulkKind,
  type Counters,
  decodeNumbered,
  type RestoreOrder,
} from "../../../core/wire/control.ts";
import type { DiskView, PcState, StepView } from "../../../core/wire/views.ts";
import { systemCodec } from "../../../imaging/codec.ts";
import { alignedBuffer, type Disk, openDisk } from "../../../imaging/disk/disk.ts";
import { fitDisk } from "../../../imaging/fit/fit-disk.ts";
import { bootAreaOf } from "../../../imaging/restore/boot-area.ts";
import { closedUnlessHung } from "../../../imaging/restore/disk-faults.ts";
import { DiskRestore } from "../../../imaging/restore/disk-restore.ts";
import { ShortDisk } from "../../../imaging/restore/short-disk.ts";
import type { ServerFiles } from "../link/http.ts";
import { Meter } from "./meter.ts";
import { pullWanted } from "./pull.ts";
import { fetchImage, fetchLiveImage, type RestoreImage, rootHashOf } from "./restore-image.ts";
import { endOf, stoppedError, type Task, type TaskEnd, type TaskProgress } from "./task.ts";

export interface RestoreTaskPorts {
  readonly clock: Clock;
  readonly memoryBytes: number;
  files(signal: AbortSignal): ServerFiles;
  candidates(): readonly Candidate[];
  /** IPv4 address of the interface that hears the cast. */
  interfaceAddress(): Promise<string | null>;
  /** Whether that is a wireless one. */
  isWireless(): Promise<boolean>;
  startReceiver(options: CastReceiverOptions, events: CastReceiverEvents): Promise<CastReceiver>;
  send(message: AgentMessage): boolean;
  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean;
  log(text: string): void;
  milestone(text: string): void;
}

/** A twelfth of the memory, in chunks: 64 on a PC of 768 MB. The rest is the agent and its files. */
export const slotCountFor = (memoryBytes: number): number =>
  Math.max(32, Math.min(128, Math.floor(memoryBytes / 12 / chunkBytes)));

/**
 * The server sends and nothing comes: the multicast does not reach this PC. A sender with receivers
 * says something every 200 ms. In milliseconds.
 */
const deafAfter = 1000;
const listenEvery = 250;
/** What the server last said of the room's rate holds for so long, in milliseconds: it says it each second. */
const roomRateFor = 2500;

/** One PC's part in a session. */
export class RestoreTask implements Task {
  readonly kind = "restore";
  readonly ended: Promise<TaskEnd>;
  private order: RestoreOrder;
  private readonly ports: RestoreTaskPorts;
  private readonly abort = new AbortController();
  private readonly meter = new Meter();
  private image_: RestoreImage | null = null;
  private disk_: DiskView | null = null;
  private restore: DiskRestore | null = null;
  private receiver: CastReceiver | null = null;
  private stats: CastReceiverStats | null = null;
  private isReady = false;
  private isFitting = false;
  private readonly steps: StepView[] = [];
  /** Of a live cast: the entries that are known, and frames that came before the disk was chosen. */
  private readonly announced = new Map<number, IndexEntry>();
  private readonly early: { readonly number: number; readonly rest: Uint8Array }[] = [];
  private packetsAt = { count: 0, atMs: 0 };
  private roomRateAt = { bps: 0, atMs: 0 };
  /** Looks in a row that found nothing heard. */
  private deafLooks = 0;
  private pulling = false;
  private fallback: string | null = null;

  constructor(order: RestoreOrder, ports: RestoreTaskPorts) {
    this.order = order;
    this.ports = ports;
    this.ended = this.run().catch((error: unknown) => ({
      ...endOf(error, this.counters()),
      steps: this.steps,
    }));
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

  get state(): PcState {
    if (this.isFitting) return "personalising";
    if (this.restore?.phase === "verifying") return "verifying";
    return (this.restore?.counters.bytesReceived ?? 0) > 0 ? "receiving" : "waiting";
  }

  progress(): TaskProgress | null {
    const { restore } = this;
    if (restore === null) return null;
    const counters = this.counters();
    return {
      phase: this.isFitting ? "growing" : restore.phase,
      bytesDone: restore.bytesDone,
      bytesTotal: counters?.bytesWanted ?? null,
      counters,
      trouble: restore.trouble,
    };
  }

  resume(order: RestoreOrder): void {
    const { cast } = this.order;
    const sameCast =
      cast.tag === order.cast.tag &&
      cast.group === order.cast.group &&
      cast.port === order.cast.port;
    this.order = order;
    if (!this.isReady) return;
    this.sayReady();
    if (sameCast) return this.receiver?.refresh();
    const former = this.receiver;
    this.receiver = null;
    this.listen(former?.close()).catch((error: unknown) => this.break(error));
  }

  get trouble(): string | null {
    if (this.restore?.trouble != null) return this.restore.trouble;
    return this.fallback === null ? null : `Over HTTP: ${this.fallback}`;
  }

  noteRoomRate(rateBps: number | null): void {
    this.roomRateAt = { bps: rateBps ?? 0, atMs: this.ports.clock.now() };
  }

  /** Entries of a live cast. */
  bulk({ kind, tag, payload }: BulkFrame): void {
    const decoded = decodeNumbered(payload);
    if (kind !== bulkKind.entries || tag !== this.order.cast.tag || !decoded.ok) return;
    const { number, rest } = decoded.value;
    if (this.restore === null) this.early.push({ number, rest: new Uint8Array(rest) });
    else this.announce(number, rest);
  }

  private announce(first: number, bytes: Uint8Array): void {
    const { restore, image_: image } = this;
    if (restore === null || image === null) return;
    for (let at = 0; at < bytes.length; at += indexEntryBytes) {
      const entryIndex = first + at / indexEntryBytes;
      if (this.announced.has(entryIndex)) continue;
      const decoded = decodeEntry(bytes, at);
      const planned = image.entries[entryIndex];
      if (!decoded.ok || planned?.chunkIndex !== decoded.value.chunkIndex) {
        const next = "start the cast again; should it happen again, update the server";
        return this.break(
          new RoomcastError(
            "bad-input",
            `entry ${entryIndex} of the live cast makes no sense`,
            next,
          ),
        );
      }
      const entry = decoded.value;
      this.announced.set(entryIndex, entry);
      restore.announce(entryIndex, entry);
      this.receiver?.announce(entryIndex, entry.storedLength);
    }
  }

  private fetchChunk(files: ServerFiles, entryIndex: number): Promise<Uint8Array> {
    const { live, task, imageId } = this.order;
    return live !== "no" ? files.liveChunk(task, entryIndex) : files.chunk(imageId, entryIndex);
  }

  stop(reason: string): void {
    if (this.abort.signal.aborted) return;
    this.abort.abort(stoppedError(reason));
    this.restore?.stop(stoppedError(reason));
  }

  private async run(): Promise<TaskEnd> {
    const { order, ports } = this;
    const files = ports.files(this.abort.signal);
    const image =
      order.live !== "no"
        ? await fetchLiveImage(files, order.task)
        : await fetchImage(files, order.imageId);
    this.image_ = image;
    const target = this.chooseDisk(image);
    const rootHash = await this.write(image, target, files);
    await this.fit(image, target);
    return {
      outcome: "verified",
      reason: null,
      next: null,
      rootHash,
      counters: this.counters(),
      steps: this.steps,
    };
  }

  /** Answers the root hash of what was read back; the disk is closed again. */
  private async write(image: RestoreImage, target: DiskView, files: ServerFiles): Promise<string> {
    const { order, ports } = this;
    const { signal } = this.abort;
    const { diskBytes } = image.manifest;
    const opened = await openDisk(target.path, { write: true });
    await using _ = closedUnlessHung(opened, () => this.restore?.diskHangs ?? false);
    checkOpened(opened, target);
    this.disk_ = target;
    signal.throwIfAborted();
    const disk = opened.size < diskBytes ? new ShortDisk(opened, diskBytes) : opened;

    const restore = new DiskRestore(
      {
        entries: image.entries,
        diskBytes,
        boot: bootAreaOf({
          entries: image.entries,
          critical: image.critical,
          diskBytes,
          targetBytes: opened.size,
          logicalSector: disk.logicalSector,
        }),
        verify: order.verify,
        discard: !order.scan,
        isLive: order.live !== "no",
      },
      {
        ...systemCodec,
        disk,
        diskName: `${target.path}, ${diskIdentity(target)}`,
        fetch: (entryIndex) => this.fetchChunk(files, entryIndex),
        buffer: () => alignedBuffer(chunkBytes),
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      },
    );
    this.restore = restore;
    for (const frame of this.early.splice(0)) this.announce(frame.number, frame.rest);
    const listening = setInterval(() => this.noticeDeafness(), listenEvery);
    try {
      if (order.scan) {
        ports.milestone(`scanning ${target.path} for what it has of ${order.image}`);
        await restore.scan(order.live === "delta" ? "wait" : "skip");
      }
      signal.throwIfAborted();
      await restore.begin();
      signal.throwIfAborted();
      this.isReady = true;
      this.sayReady();
      ports.milestone(`receiving ${order.image}`);
      if (restore.wants().some((byte) => byte !== 0)) await this.listen(undefined);
      const entries = await restore.ended;
      const rootHash = rootHashOf(entries);
      // Of a live cast the server alone knows it.
      assert(
        image.rootHash === null || rootHash === image.rootHash,
        "what was verified is the image",
      );
      return rootHash;
    } catch (error) {
      restore.stop(error instanceof RoomcastError ? error : stoppedError(String(error)));
      // The disk is left alone before it is closed.
      await restore.ended.catch(() => {});
      throw error;
    } finally {
      clearInterval(listening);
      this.isReady = false;
      await this.receiver?.close();
    }
  }

  /** The copy is verified; now it is made to fit this disk. */
  private async fit({ manifest }: RestoreImage, target: DiskView): Promise<void> {
    if (target.size === manifest.diskBytes) return;
    this.isFitting = true;
    const { order, ports, steps } = this;
    ports.milestone(`making ${order.image} fit ${target.path}`);
    try {
      await fitDisk({
        path: target.path,
        manifest,
        grow: order.grow,
        signal: this.abort.signal,
        said(step) {
          steps.push(step);
          ports.log(`${step.name}: ${step.outcome}, ${step.detail}`);
        },
      });
    } catch (error) {
      if (!(error instanceof RoomcastError) || error.code === "cancelled") throw error;
      const what = `the disk was verified, but could not be made to fit: ${error.message}`;
      throw new RoomcastError("failed", what, error.next, { cause: error });
    }
  }

  private chooseDisk({ manifest, entries }: RestoreImage): DiskView {
    const need = {
      misfit: (targetBytes: number) => misfitOf(manifest, entries, targetBytes),
      logicalSector: manifest.logicalSector,
    };
    const { disk: named, rule } = this.order;
    const choice = chooseTarget(this.ports.candidates(), named, need, rule);
    if (choice.kind === "disk") return choice.disk;
    throw new RoomcastError("refused", choice.reason, choice.next);
  }

  /** Wants first: the server uses them when `ready` comes. */
  private sayReady(): void {
    const { restore, disk_: disk, order } = this;
    const counters = this.counters();
    if (restore === null || disk === null || counters === null) return;
    this.ports.sendBulk(bulkKind.wants, order.cast.tag, restore.wants());
    this.ports.send({ type: "ready", task: order.task, disk, counters });
    if (this.fallback !== null) this.sayDelivery();
  }

  private sayDelivery(): void {
    const { order, fallback } = this;
    const way = fallback === null ? "multicast" : "http";
    this.ports.send({ type: "delivery", task: order.task, way, reason: fallback });
  }

  private async listen(former: Promise<void> | undefined): Promise<void> {
    await former;
    const { ports, order, restore, image_: image } = this;
    if (restore === null || image === null || this.abort.signal.aborted) return;
    const interfaceAddress = await ports.interfaceAddress();
    if (interfaceAddress === null) {
      throw new RoomcastError(
        "failed",
        "this PC has no IPv4 address to hear the cast with",
        "check the cable and the DHCP server, or name the interface with --interface",
      );
    }
    const { tag, group, port } = order.cast;
    const receiver = await ports.startReceiver(
      {
        tag,
        group,
        port,
        interfaceAddress,
        index: image.index,
        wants: restore.wants(),
        slotCount: slotCountFor(ports.memoryBytes),
      },
      {
        chunk: (entryIndex, stored, settle) => restore.deliver(entryIndex, stored, settle),
        report: (payload) => void ports.sendBulk(bulkKind.report, tag, payload),
        stats: (stats) => {
          this.stats = stats;
        },
      },
    );
    if (!this.isReady) return receiver.close();
    for (const [entryIndex, { storedLength }] of this.announced)
      receiver.announce(entryIndex, storedLength);
    this.receiver = receiver;
    this.packetsAt = { count: 0, atMs: ports.clock.now() };
    receiver.ended.catch((error: unknown) => {
      if (this.receiver === receiver) this.break(error);
    });
  }

  private break(error: unknown): void {
    const why = errorText(error);
    this.restore?.stop(
      error instanceof RoomcastError
        ? error
        : new RoomcastError("failed", `the receiver of the cast broke: ${why}`, "try again", {
            cause: error,
          }),
    );
  }

  /** The server sends to the room, and nothing of it comes here: what is wanted is fetched by HTTP. */
  private noticeDeafness(): void {
    const { restore, receiver, ports, roomRateAt } = this;
    const now = ports.clock.now();
    const count = this.stats?.packets ?? 0;
    const isSent = roomRateAt.bps > 0 && now - roomRateAt.atMs < roomRateFor;
    if (!isSent || receiver === null || count !== this.packetsAt.count) {
      this.packetsAt = { count, atMs: now };
      this.deafLooks = 0;
      return;
    }
    if (now - this.packetsAt.atMs < deafAfter || this.pulling || restore?.phase !== "receiving") {
      return;
    }
    // What has come may be waiting behind this timer on a busy PC: the second look is sure.
    this.deafLooks++;
    if (this.deafLooks < 2) return;
    this.pulling = true;
    this.pull(restore, count)
      .catch((error: unknown) => this.break(error))
      .finally(() => {
        this.pulling = false;
      });
  }

  /** Fetches what is wanted for as long as no packet comes. */
  private async pull(restore: DiskRestore, heardCount: number): Promise<void> {
    const { ports } = this;
    this.fallback = (await ports.isWireless())
      ? "no multicast comes through this PC's Wi-Fi; use a cable"
      : "no multicast reaches this PC; check IGMP snooping on the switch (it needs a querier), and the VLAN";
    ports.log(`the server sends: ${this.fallback}; fetching by HTTP`);
    this.sayDelivery();
    const files = ports.files(this.abort.signal);
    const isDeaf = (): boolean => (this.stats?.packets ?? 0) === heardCount;
    await pullWanted({
      restore,
      fetch: (entryIndex) => this.fetchChunk(files, entryIndex),
      taken: (entryIndex) => this.receiver?.forget(entryIndex),
      isNeeded: () => restore.phase === "receiving" && isDeaf(),
    });
    if (isDeaf()) return;
    this.fallback = null;
    ports.log("multicast reaches this PC again");
    this.sayDelivery();
  }

  private counters(): Counters | null {
    const { restore, stats } = this;
    if (restore === null) return null;
    const { counters } = restore;
    const sent = stats === null ? 0 : stats.packets + stats.packetsLost + stats.packetsDropped;
    return {
      ...counters,
      lossRatio: stats === null || sent === 0 ? null : stats.packetsLost / sent,
      writeBps: this.meter.take(counters.bytesWritten, this.ports.clock.now()),
    };
  }
}

/** Between the choice and the opening nothing may have changed. */
function checkOpened(disk: Disk, chosen: DiskView): void {
  if (disk.size === chosen.size && disk.logicalSector === chosen.logicalSector) return;
  throw new RoomcastError(
    "refused",
    `${chosen.path} is not the disk it was a moment ago`,
    "check its cable, and try again",
  );
}
