import assert from "node:assert/strict";
import { CastReceiverMachine, type Completed } from "../../core/cast/receiver.ts";
import { slabBytesFor } from "../../core/cast/slab.ts";
import { bitAt } from "../../core/units/bits.ts";
import { millis } from "../../core/units/units.ts";
import { Disk, type DiskOptions } from "./disk.ts";
import type { SimKeys } from "./keys.ts";
import { Link, lossy } from "./link.ts";
import type { SimRoom } from "./room.ts";

export interface PcOptions extends DiskOptions {
  /** Lost one by one on this PC's cable, until it is mended. */
  loss: number;
  lossUntilMs: number;
  burstRatio: number;
  burstLength: number;
  /** Its port of the switch. */
  portBps: number;
  /** Bits a second that the host itself takes from its network card; the rest it drops, uncounted. */
  hostBps: number;
  /** What its socket holds of that until the host takes it. */
  hostQueueBytes: number;
  delayMs: number;
  duplicateRatio: number;
  reorderRatio: number;
  slotCount: number;
  keptBytes: number;
  /** Fraction of packets of which a byte is another one when they arrive. */
  damageRatio: number;
  /** Its disk fails for good: it says so, and leaves. */
  diskFailsAtMs: number;
  reportLoss: number;
  reportDelayMs: number;
  joinAtMs: number;
  /** Falls silent, without a word. */
  dieAtMs: number;
  /** Comes back after that, with what its disk has. */
  returnAtMs: number;
  /** Fraction of the entries that its disk has already. */
  hasRatio: number;
}

export const plainPc: PcOptions = {
  loss: 0,
  lossUntilMs: Number.POSITIVE_INFINITY,
  burstRatio: 0,
  burstLength: 20,
  portBps: 1e9,
  diskBps: 400e6 * 8,
  stallAtMs: Number.POSITIVE_INFINITY,
  stallForMs: 0,
  stallBps: 1e6,
  hostBps: 10e9,
  hostQueueBytes: 256 * 1500,
  delayMs: 0.2,
  duplicateRatio: 0,
  reorderRatio: 0,
  slotCount: 64,
  keptBytes: 0,
  damageRatio: 0,
  diskFailsAtMs: Number.POSITIVE_INFINITY,
  reportLoss: 0,
  reportDelayMs: 1,
  joinAtMs: 0,
  dieAtMs: Number.POSITIVE_INFINITY,
  returnAtMs: Number.POSITIVE_INFINITY,
  hasRatio: 0,
};

/** As in `imaging/restore/disk-restore.ts`. */
const corruptLimit = 3;

/** A PC with its cable, its disk and the way back to the server. */
export class SimPc {
  readonly id: number;
  readonly options: PcOptions;
  /** On the disk. */
  readonly taken: Uint8Array;
  takenCount = 0;
  wantedCount = 0;
  isAlive = false;
  finishedAt: number | null = null;
  /** When its disk took each chunk. */
  readonly takenAt: number[] = [];
  /** How often each chunk did not match. */
  readonly corrupted = new Map<number, number>();
  /** Packets in the sender's name that were not the sender's. */
  forgedCount = 0;
  /** Its disk has failed, and it has said so. */
  hasFailed = false;
  machine: CastReceiverMachine | null = null;
  private readonly room: SimRoom;
  private readonly port: Link;
  private readonly host: Link;
  private readonly isLost: () => boolean;
  /** On its way here, by arrival; those before `inboxAt` have come. */
  private inbox: { at: number; bytes: Uint8Array }[] = [];
  private inboxAt = 0;
  private isDelivering = false;
  private slab = new Uint8Array(0);
  private readonly disk: Disk;
  /** By their numbers. */
  private keys: SimKeys[] = [];
  private writing = 0;
  private life = 0;
  private wakeAt = Number.POSITIVE_INFINITY;

  constructor(id: number, options: PcOptions, room: SimRoom) {
    this.id = id;
    this.options = options;
    this.room = room;
    this.port = new Link({ bps: options.portBps, queueBytes: 128 * 1024 });
    this.host = new Link({ bps: options.hostBps, queueBytes: options.hostQueueBytes });
    this.disk = new Disk(options);
    const { loss, burstRatio, burstLength } = options;
    this.isLost = lossy({ ratio: loss, burstRatio, burstLength }, room.random);
    this.taken = new Uint8Array(room.storedLengths.length);
    for (let entry = 0; entry < this.taken.length; entry++) {
      if (room.storedLengths[entry] === 0 || room.random() < options.hasRatio)
        this.taken[entry] = 1;
      else this.wantedCount++;
    }
    const { time } = room;
    time.at(options.joinAtMs, () => this.start());
    if (options.dieAtMs < Number.POSITIVE_INFINITY) time.at(options.dieAtMs, () => this.die());
    if (options.returnAtMs < Number.POSITIVE_INFINITY)
      time.at(options.returnAtMs, () => this.start());
    if (options.diskFailsAtMs < Number.POSITIVE_INFINITY)
      time.at(options.diskFailsAtMs, () => this.fail());
  }

  get hasAll(): boolean {
    return this.takenCount === this.wantedCount;
  }

  wants(): Uint8Array {
    const wants = new Uint8Array((this.taken.length + 7) >> 3);
    for (let entry = 0; entry < this.taken.length; entry++)
      if (this.taken[entry] === 0)
        wants[entry >> 3] = (wants[entry >> 3] ?? 0) | (1 << (entry & 7));
    return wants;
  }

  /** A packet leaves the switch towards this PC. */
  send(bytes: Uint8Array, at: number): void {
    if (!this.isAlive) return;
    const { random } = this.room;
    const through = this.port.pass(at, bytes.length);
    if (through === null || (at < this.options.lossUntilMs && this.isLost())) return;
    const arrived = this.host.pass(through + this.options.delayMs, bytes.length);
    if (arrived === null) return;
    const { reorderRatio, duplicateRatio, damageRatio } = this.options;
    if (damageRatio > 0 && random() < damageRatio) bytes = this.damaged(bytes);
    const isReordered = reorderRatio > 0 && random() < reorderRatio;
    this.arrive(bytes, isReordered ? arrived + random() * 5 : arrived);
    if (duplicateRatio > 0 && random() < duplicateRatio)
      this.arrive(bytes, arrived + random() * 20);
  }

  /** The cable's checksums have let it pass. */
  private damaged(bytes: Uint8Array): Uint8Array {
    const { random } = this.room;
    const damaged = bytes.slice();
    const at = Math.floor(random() * damaged.length);
    damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
    return damaged;
  }

  private arrive(bytes: Uint8Array, at: number): void {
    const { inbox } = this;
    let place = inbox.length;
    while (place > this.inboxAt && (inbox[place - 1] as { at: number }).at > at) place--;
    if (place === inbox.length) inbox.push({ at, bytes });
    else inbox.splice(place, 0, { at, bytes });
    this.deliverSoon();
  }

  private deliverSoon(): void {
    const first = this.inbox[this.inboxAt];
    if (this.isDelivering || first === undefined) return;
    this.isDelivering = true;
    // As a worker that sleeps for half a millisecond between its looks at the socket.
    this.room.time.at(first.at + 0.5, () => {
      this.isDelivering = false;
      const { now } = this.room.time;
      const { machine } = this;
      for (; this.inboxAt < this.inbox.length; this.inboxAt++) {
        const { at, bytes } = this.inbox[this.inboxAt] as { at: number; bytes: Uint8Array };
        if (at > now) break;
        machine?.packet(bytes, 0, bytes.length);
      }
      if (this.inboxAt * 2 > this.inbox.length) {
        this.inbox = this.inbox.slice(this.inboxAt);
        this.inboxAt = 0;
      }
      this.deliverSoon();
      this.work();
    });
  }

  start(): void {
    if (this.isAlive || this.hasFailed) return;
    const { room } = this;
    this.isAlive = true;
    this.life++;
    this.inbox = [];
    this.inboxAt = 0;
    this.keys = [room.keys];
    this.slab = new Uint8Array(slabBytesFor(room.storedLengths, this.options.slotCount));
    this.machine = new CastReceiverMachine(
      {
        tag: room.tag,
        packetKey: room.keys.packet,
        storedLengths: room.storedLengths,
        wants: this.wants(),
        slotCount: this.options.slotCount,
        keptBytes: this.options.keptBytes,
        slab: this.slab,
      },
      millis(room.time.now),
    );
    room.joined(this);
    this.work();
  }

  /** The order came again. Orders come by one connection: none overtakes a later one. */
  rekey(keys: SimKeys): void {
    const { machine } = this;
    if (machine === null || (this.keys.at(-1)?.number ?? -1) >= keys.number) return;
    assert.equal(machine.rekey(keys.packet, millis(this.room.time.now)), this.keys.length);
    this.keys.push(keys);
  }

  private die(): void {
    if (!this.isAlive) return;
    this.stop();
    this.room.died(this);
  }

  private fail(): void {
    if (!this.isAlive || this.hasAll) return;
    this.hasFailed = true;
    this.stop();
    this.room.left(this);
  }

  private stop(): void {
    this.isAlive = false;
    this.countForged();
    this.machine = null;
    this.life++;
    this.writing = 0;
    this.disk.reset();
    this.wakeAt = Number.POSITIVE_INFINITY;
  }

  private work(): void {
    const { machine, room } = this;
    if (machine === null) return;
    const { now } = room.time;
    for (const completed of machine.completed.splice(0)) this.write(completed);
    for (;;) {
      const report = machine.report(millis(now));
      if (report === null) break;
      this.sendReport(report);
    }
    this.wake();
  }

  private wake(): void {
    const at = Math.max(this.room.time.now, (this.machine as CastReceiverMachine).deadline);
    if (at >= this.wakeAt) return;
    const { life } = this;
    this.wakeAt = at;
    this.room.time.at(at, () => {
      if (life !== this.life || this.wakeAt !== at) return;
      this.wakeAt = Number.POSITIVE_INFINITY;
      this.work();
    });
  }

  private sendReport(report: Uint8Array): void {
    const { room, options, life } = this;
    if (room.random() < options.reportLoss) return;
    const delay = options.reportDelayMs * (0.5 + room.random());
    const arrive = (): void => {
      if (life === this.life) room.reported(this, report);
    };
    room.time.at(room.time.now + delay, arrive);
    if (options.reportLoss > 0 && room.random() < options.reportLoss)
      room.time.at(room.time.now + delay + room.random() * 50, arrive);
  }

  /** Of this life of it. */
  countForged(): void {
    this.forgedCount = this.machine?.stats().packetsForged ?? this.forgedCount;
  }

  private write({ entryIndex, keyNumber, offset, storedLength }: Completed): void {
    const { room, options, life } = this;
    const keys = this.keys[keyNumber] as SimKeys;
    assert.equal(this.taken[entryIndex], 0, `${this.id} completes entry ${entryIndex} once`);
    this.writing++;
    assert(this.writing <= options.slotCount, `${this.id} holds no more chunks than it has slots`);
    room.time.at(this.disk.write(room.time.now, storedLength), () => {
      if (life !== this.life) return;
      this.writing--;
      const stored = this.slab.subarray(offset, offset + storedLength);
      const isCorrupt = Buffer.compare(stored, room.stored(entryIndex, keys)) !== 0;
      // What is sealed with the key is put together right, whatever the wire and strangers do.
      assert(!isCorrupt || room.isPoisoned, `entry ${entryIndex} is right`);
      const times = (this.corrupted.get(entryIndex) ?? 0) + (isCorrupt ? 1 : 0);
      if (isCorrupt) {
        this.corrupted.set(entryIndex, times);
        room.spoilt(this, entryIndex);
      }
      // As DiskRestore does: then it comes from the server itself.
      const isTaken = !isCorrupt || times === corruptLimit;
      if (isTaken) this.take(entryIndex);
      this.machine?.settle(entryIndex, isTaken ? "taken" : "corrupt");
      this.work();
    });
  }

  private take(entryIndex: number): void {
    this.taken[entryIndex] = 1;
    this.takenCount++;
    this.takenAt.push(this.room.time.now);
    if (this.hasAll) this.finishedAt ??= this.room.time.now;
  }
}

/** Whether a bitmap of wants has any bit that `taken` has not. */
export const wantsMore = (wants: Uint8Array, taken: Uint8Array): boolean =>
  taken.some((isTaken, entry) => isTaken === 0 && bitAt(wants, entry));
