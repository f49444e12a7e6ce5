/** The disk of a restore: chosen, written, read back, and made to fit. Chunks come from a `ChunkFeed`. */
import type { TaskProgress } from "../../../core/agent/state.ts";
import { assert, RoomcastError } from "../../../core/errors.ts";
import { misfitOf } from "../../../core/image/fit.ts";
import { atMost } from "../../../core/node/at-most.ts";
import type { Clock } from "../../../core/ports.ts";
import { chooseTarget } from "../../../core/session/target.ts";
import type { RestoreOrder } from "../../../core/wire/orders.ts";
import type { Personal } from "../../../core/wire/personal.ts";
import type { DiskView, StepView } from "../../../core/wire/views.ts";
import type { Counters, HeardCounters } from "../../../core/wire/work.ts";
import { fitDisk, fitsAsItIs } from "../../../imaging/fit/fit-disk.ts";
import { personaliseDisk } from "../../../imaging/personalise/personalise.ts";
import { partitionGuids, setBootEntries } from "../../../imaging/personalise/uefi/boot-entries.ts";
import { closedUnlessHung } from "../../../imaging/restore/disk-faults.ts";
import type { DiskRestore } from "../../../imaging/restore/disk-restore.ts";
import { openTarget, restoreOnto } from "../../../imaging/restore/onto-disk.ts";
import { otherSectorsOf } from "../../../imaging/restore/other-sectors.ts";
import type { BeyondEnd } from "../../../imaging/restore/short-disk.ts";
import { BusyMeter, Meter } from "../meter.ts";
import type { RestoreImage } from "./restore-image.ts";
import { stoppedError, type TaskPorts } from "./task.ts";

export interface RestoreDiskPorts extends TaskPorts {
  readonly clock: Clock;
  /** Of the card that the PC booted from. */
  mac(): Promise<string>;
  /** The firmware is this PC's, which is to start from the restored disk: false on a host that only lends a disk. */
  readonly ownsFirmware: boolean;
}

/** Where the chunks of a restore come from. */
export interface ChunkFeed {
  /** The stored bytes of one entry, from the server itself. */
  fetch(entryIndex: number): Promise<Uint8Array>;
  /** The disk can be told of entries. */
  connect(restore: DiskRestore): void;
  /** The disk takes chunks, until what is answered is disposed of. */
  begin(restore: DiskRestore): Promise<AsyncDisposable>;
}

/** What the server has for this PC alone. */
export interface OwnFiles {
  personal(): Promise<Personal>;
  driver(path: string): AsyncIterable<Uint8Array>;
}

/** In milliseconds: a disk that hangs is waited for, and named, once it is written to. */
const formerLimit = 4000;

export class RestoreDisk {
  /** What was done to the disk once it was verified. */
  readonly steps: StepView[] = [];
  /** null until it is chosen and open. */
  disk: DiskView | null = null;
  private readonly order: RestoreOrder;
  private readonly ports: RestoreDiskPorts;
  private readonly signal: AbortSignal;
  private readonly beyond: BeyondEnd = new Map();
  private readonly meter = new Meter();
  private readonly busy = new BusyMeter();
  private restore: DiskRestore | null = null;
  /** Of the partitions that it had, which the firmware may have entries of; empty where that is not known. */
  private formerGuids: ReadonlySet<string> = new Set();
  /** What is done to it once it was verified; null before. */
  private finish: "growing" | "personalising" | null = null;

  constructor(order: RestoreOrder, ports: RestoreDiskPorts, signal: AbortSignal) {
    this.order = order;
    this.ports = ports;
    this.signal = signal;
  }

  /** That the disk does not answer, in words, while it does not. */
  get trouble(): string | null {
    return this.restore?.trouble ?? null;
  }

  progress(heard: HeardCounters): TaskProgress | null {
    const { restore } = this;
    if (restore === null) return null;
    const counters = this.counters(heard);
    return {
      phase: this.finish ?? restore.phase,
      bytesDone: restore.bytesDone,
      bytesTotal: counters?.bytesWanted ?? null,
      counters,
      trouble: restore.trouble,
    };
  }

  counters(heard: HeardCounters): Counters | null {
    const { restore, meter, busy, ports } = this;
    if (restore === null) return null;
    const { counters } = restore;
    const now = ports.clock.now();
    const writeBps = meter.take(counters.bytesWritten, now);
    const diskBusy = busy.take(restore.diskBusyMs, now);
    return { ...counters, ...heard, writeBps, diskBusy };
  }

  stop(error: RoomcastError): void {
    this.restore?.stop(error);
  }

  /** Answers the root hash of what was read back; the disk is closed again. */
  async write(image: RestoreImage, feed: ChunkFeed): Promise<string> {
    const { signal, ports, order } = this;
    const target = await this.choose(image, feed);
    const opened = await openTarget(target);
    await using _ = closedUnlessHung(opened, () => this.restore?.diskHangs ?? false);
    this.disk = target;
    if (ports.ownsFirmware) {
      const former = partitionGuids(opened).catch(() => null);
      this.formerGuids = (await atMost(formerLimit, former)) ?? this.formerGuids;
    }
    signal.throwIfAborted();
    const { verify, scan, live } = order;
    const restore = restoreOnto({
      ...image,
      ...{ opened, view: target, beyond: this.beyond },
      how: { verify, discard: !scan, isLive: live !== "no" },
      fetch: (entryIndex) => feed.fetch(entryIndex),
    });
    this.restore = restore;
    feed.connect(restore);
    try {
      if (order.scan) {
        ports.milestone(`scanning ${target.path} for what it has of ${order.image}`);
        await restore.scan(order.live === "delta" ? "wait" : "skip");
      }
      signal.throwIfAborted();
      ports.milestone(`receiving ${order.image}`);
      // At once: what comes while the disk is being emptied waits for it.
      const [, feeding] = await Promise.all([restore.begin(), feed.begin(restore)]);
      await using _ = feeding;
      signal.throwIfAborted();
      const rootHash = image.rootHashOf(await restore.ended);
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
    }
  }

  /** The copy is verified; now it is made to fit this disk. */
  async fit({ manifest, entries }: RestoreImage): Promise<void> {
    const { order, ports, disk, beyond, signal } = this;
    if (disk === null || fitsAsItIs(disk, manifest)) return;
    this.finish = "growing";
    ports.milestone(`making ${order.image} fit ${disk.path}`);
    const { said } = this;
    const { grow } = order;
    try {
      await fitDisk({ path: disk.path, manifest, entries, beyond, grow, signal, said });
    } catch (error) {
      if (!(error instanceof RoomcastError) || error.code === "cancelled") throw error;
      const what = `the disk was verified, but could not be made to fit: ${error.message}`;
      throw new RoomcastError("failed", what, error.next, { cause: error });
    }
  }

  /** What is on it becomes this PC's own. */
  async personalise(own: OwnFiles): Promise<void> {
    const { ports, disk, signal, said, steps } = this;
    assert(disk !== null, "a disk was restored");
    this.finish = "personalising";
    const personal = await own.personal();
    const { name } = personal;
    ports.milestone(`making ${disk.path} the disk of ${name}`);
    const mac = await ports.mac();
    const { driver } = own;
    await personaliseDisk({ path: disk.path, personal, mac, signal, said, log: ports.log, driver });
    if (ports.ownsFirmware) {
      const { bootFirst } = personal;
      const { formerGuids } = this;
      const step = await setBootEntries({ disk: disk.path, formerGuids, bootFirst, signal });
      if (step !== null) said(step);
    }
    const failed = steps.filter(({ result }) => result === "failed");
    const [first] = failed;
    if (first === undefined) return;
    const more = failed.length === 1 ? "" : `, and ${failed.length - 1} more`;
    throw new RoomcastError(
      "failed",
      `the disk was verified, but not all of it could be made ${name}'s: ${first.name}: ${first.detail}${more}`,
      "mend it on the master and capture it again, or restore with `--personalise none`",
    );
  }

  private readonly said = (step: StepView): void => {
    this.steps.push(step);
    this.ports.log(`${step.name}: ${step.result}, ${step.detail}`);
  };

  private async choose({ manifest, entries }: RestoreImage, feed: ChunkFeed): Promise<DiskView> {
    const { disk: named, rule, live } = this.order;
    const way = live === "no" ? "restore" : "live cast";
    const candidates = this.ports.candidates();
    const disks = candidates.map(({ disk }) => disk);
    const need = {
      misfit: (targetBytes: number) => misfitOf(manifest, entries, targetBytes, way),
      logicalSector: manifest.logicalSector,
      otherSectors: await otherSectorsOf(disks, manifest, {
        ...{ entries, isLive: live !== "no" },
        fetch: (entryIndex) => feed.fetch(entryIndex),
      }),
    };
    const choice = chooseTarget(candidates, named, need, rule);
    if (choice.kind === "disk") return choice.disk;
    throw new RoomcastError("refused", choice.reason, choice.next);
  }
}
