/** How a restore gets its chunks: by the cast, else by HTTP. It knows no disk but as a `ChunkTaker`. */
import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
  CastReceiverStats,
} from "../../../core/cast/ends.ts";
import { errorText, RoomcastError } from "../../../core/errors.ts";
import type { Clock } from "../../../core/ports.ts";
import { forgedText } from "../../../core/session/receivers-view.ts";
import { chunkBytes } from "../../../core/units/units.ts";
import { type BulkFrame, bulkKind } from "../../../core/wire/bulk.ts";
import type { CastKeys } from "../../../core/wire/cast-address.ts";
import type { RestoreOrder } from "../../../core/wire/orders.ts";
import type { SentRun } from "../../../core/wire/sent-run.ts";
import type { HeardCounters } from "../../../core/wire/work.ts";
import type { DiskRestore } from "../../../imaging/restore/disk-restore.ts";
import type { ServerFiles } from "../link/http.ts";
import { Hearing } from "./hearing.ts";
import { LiveEntries } from "./live-entries.ts";
import { pullWanted } from "./pull.ts";
import { fetchImage, fetchLiveImage, type RestoreImage } from "./restore-image.ts";
import type { TaskVoice } from "./task.ts";

/** The disk as the reception sees it: what it wants, and where chunks and entries go. */
export type ChunkTaker = Pick<
  DiskRestore,
  "phase" | "wants" | "isWanted" | "isKnown" | "announce" | "deliver" | "stop"
>;

export interface ReceptionPorts extends TaskVoice {
  readonly clock: Clock;
  readonly memoryBytes: number;
  /** What of it could be taken now. */
  availableBytes(): number;
  files(signal: AbortSignal, grant: () => string): ServerFiles;
  /** IPv4 address of the interface that hears the cast. */
  interfaceAddress(): Promise<string | null>;
  /** Whether that is a wireless one. */
  isWireless(): Promise<boolean>;
  startReceiver(options: CastReceiverOptions, events: CastReceiverEvents): Promise<CastReceiver>;
  log(text: string): void;
}

/** A twelfth of the memory, in chunks: 64 on a PC of 768 MB. The rest is the agent and its files. */
export const slotCountFor = (memoryBytes: number): number =>
  Math.max(32, Math.min(128, Math.floor(memoryBytes / 12 / chunkBytes)));

/** Nothing is kept of what the agent, the slots and the kernel may need, nor of half of the rest. */
const sparedBytes = 512 * 1024 * 1024;
/** What parts of chunks may take that have no slot: nothing on a PC of 768 MB, a third of the memory on one of 4 GB. */
export const keptBytesFor = (availableBytes: number): number =>
  Math.max(0, Math.floor((availableBytes - sparedBytes) / 2));

/** In milliseconds. */
const lookEvery = 250;

/** `image`, then `connect` and `begin`, then `close`. */
export class Reception {
  private readonly order: RestoreOrder;
  private readonly ports: ReceptionPorts;
  private readonly signal: AbortSignal;
  private readonly files: ServerFiles;
  private readonly hearing = new Hearing();
  private readonly entries = new LiveEntries();
  private taker: ChunkTaker | null = null;
  private receiver: CastReceiver | null = null;
  private stats: CastReceiverStats | null = null;
  private keys: CastKeys;
  /** Why what is wanted comes by HTTP now; null: by the cast. */
  private fallback: string | null = null;
  private grant: string;

  constructor(order: RestoreOrder, ports: ReceptionPorts, signal: AbortSignal) {
    this.order = order;
    this.keys = order.cast.keys;
    this.ports = ports;
    this.signal = signal;
    this.grant = order.grant;
    this.files = ports.files(signal, () => this.grant);
  }

  /** What is to be restored. */
  image(): Promise<RestoreImage> {
    const { live, session, imageId } = this.order;
    return live === "no" ? fetchImage(this.files, imageId) : fetchLiveImage(this.files, session);
  }

  /** The stored bytes of an entry, from the server itself. */
  fetch(entryIndex: number): Promise<Uint8Array> {
    const { live, session, imageId } = this.order;
    return live === "no"
      ? this.files.chunk(imageId, entryIndex)
      : this.files.liveChunk(session, entryIndex);
  }

  /** The disk can be told of entries. */
  connect(taker: ChunkTaker, { entries }: RestoreImage): void {
    this.taker = taker;
    this.guard(() =>
      this.entries.begin(entries, (entryIndex, entry) => {
        taker.announce(entryIndex, entry);
        this.receiver?.announce(entryIndex, entry);
      }),
    );
  }

  /** Entries of a live cast. */
  take({ kind, tag, payload }: BulkFrame): void {
    if (kind !== bulkKind.entries || tag !== this.order.cast.tag) return;
    this.guard(() => this.entries.take(payload));
  }

  /** What the sender says that this PC must have heard of. */
  sent(run: SentRun | null): void {
    this.hearing.sent(run);
  }

  /** The disk takes chunks: hears the cast until `close`, if there is anything to hear. */
  async begin(taker: ChunkTaker, { index }: RestoreImage): Promise<AsyncDisposable> {
    const wants = taker.wants();
    if (wants.some((byte) => byte !== 0) && !this.signal.aborted) {
      this.receiver = await this.listen(taker, { index, wants });
    }
    const looking = setInterval(() => this.look(taker), lookEvery);
    return {
      [Symbol.asyncDispose]: async () => {
        clearInterval(looking);
        await this.receiver?.close();
      },
    };
  }

  /** The wants come before `ready`, with which the server uses them. */
  sayWants(): void {
    const { taker, order, ports } = this;
    if (taker !== null) ports.sendBulk(bulkKind.wants, order.cast.tag, taker.wants());
  }

  /** Said when the way changes, and after each `ready` if it is not the usual one. */
  sayDelivery(): void {
    const { fallback, ports } = this;
    const { session, attempt } = this.order;
    const way = fallback === null ? "multicast" : "http";
    ports.send({ type: "delivery", session, attempt, way, reason: fallback });
  }

  /** The order at hand has come again. */
  refreshed({ grant, cast: { keys } }: RestoreOrder): void {
    this.grant = grant;
    if (keys.packet === this.keys.packet) return;
    this.keys = keys;
    this.receiver?.rekey(keys);
  }

  /** After the way to the server was broken: says in full what it has. */
  refresh(): void {
    this.receiver?.refresh();
    if (this.fallback !== null) this.sayDelivery();
  }

  /** Why the chunks do not come by the cast, or that somebody disturbs it, for the screen. */
  get trouble(): string | null {
    if (this.fallback !== null) return `Over HTTP: ${this.fallback}`;
    const { forgedPackets } = this.heard;
    return forgedPackets === 0 ? null : `Look out: ${forgedText(forgedPackets)}.`;
  }

  get heard(): HeardCounters {
    if (this.stats === null) return { lossRatio: null, forgedPackets: 0 };
    const { packets, packetsLost, packetsDropped, packetsForged } = this.stats;
    const sent = packets + packetsLost + packetsDropped;
    return { lossRatio: sent === 0 ? null : packetsLost / sent, forgedPackets: packetsForged };
  }

  private async listen(
    taker: ChunkTaker,
    what: Pick<CastReceiverOptions, "index" | "wants">,
  ): Promise<CastReceiver> {
    const { ports } = this;
    const interfaceAddress = await ports.interfaceAddress();
    if (interfaceAddress === null) {
      const next = "check the cable and the DHCP server, or name the interface with --interface";
      throw new RoomcastError("failed", "this PC has no IPv4 address to hear the cast with", next);
    }
    const { keys } = this;
    const { tag, group, port } = this.order.cast;
    const slotCount = slotCountFor(ports.memoryBytes);
    const keptBytes = keptBytesFor(ports.availableBytes());
    const receiver = await ports.startReceiver(
      { tag, group, port, keys, interfaceAddress, ...what, slotCount, keptBytes },
      {
        chunk: (entryIndex, stored, settle) => taker.deliver(entryIndex, stored, settle),
        report: (payload) => void ports.sendBulk(bulkKind.report, tag, payload),
        stats: (stats) => {
          this.stats = stats;
        },
      },
    );
    // What was heard of while it started.
    for (const [entryIndex, entry] of this.entries.known) receiver.announce(entryIndex, entry);
    if (this.keys !== keys) receiver.rekey(this.keys);
    receiver.ended.catch((error: unknown) => this.break(error));
    return receiver;
  }

  private guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.break(error);
    }
  }

  private break(error: unknown): void {
    const why = errorText(error);
    this.taker?.stop(
      error instanceof RoomcastError
        ? error
        : new RoomcastError("failed", `the receiver of the cast broke: ${why}`, "try again", {
            cause: error,
          }),
    );
  }

  /** What was sent does not come here: what is wanted is fetched by HTTP. */
  private look(taker: ChunkTaker): void {
    const { receiver, stats } = this;
    if (receiver === null || stats === null || !this.hearing.isDeaf(stats)) return;
    if (this.fallback !== null || taker.phase !== "receiving") return;
    const heardCount = stats.packets;
    this.fallback = "no multicast reaches this PC";
    this.pull(taker, receiver, heardCount).catch((error: unknown) => this.break(error));
  }

  /** Fetches what is wanted for as long as no packet comes. */
  private async pull(taker: ChunkTaker, receiver: CastReceiver, heardCount: number): Promise<void> {
    const { ports } = this;
    this.fallback = (await ports.isWireless())
      ? "no multicast comes through this PC's Wi-Fi; use a cable"
      : "no multicast reaches this PC; check IGMP snooping on the switch (it needs a querier), and the VLAN";
    ports.log(`the server sends: ${this.fallback}; fetching by HTTP`);
    this.sayDelivery();
    const isDeaf = (): boolean => (this.stats?.packets ?? 0) === heardCount;
    await pullWanted({
      restore: taker,
      fetch: (entryIndex) => this.fetch(entryIndex),
      taken: (entryIndex) => receiver.forget(entryIndex),
      isNeeded: () => taker.phase === "receiving" && isDeaf(),
    });
    if (isDeaf()) return;
    this.fallback = null;
    ports.log("multicast reaches this PC again");
    this.sayDelivery();
  }
}
