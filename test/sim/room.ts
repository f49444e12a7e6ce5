/** A room on one clock: the production machines at both ends, and between them wires that fail. */
import assert from "node:assert/strict";
import type { CastSenderStats } from "../../core/cast/ends.ts";
import { CastSenderMachine } from "../../core/cast/sender.ts";
import { supplyLimit } from "../../core/cast/supply.ts";
import { millis } from "../../core/units/units.ts";
import { packetLimit, repairPacketBytes, symbolCountOf } from "../../core/wire/cast.ts";
import { type SimKeys, simKeys } from "./keys.ts";
import { Link, type LossOptions, lossy } from "./link.ts";
import { type PcOptions, plainPc, SimPc } from "./pc.ts";
import { seeded } from "./random.ts";
import { type StallOptions, Stalls } from "./stalls.ts";
import { disturb, type StrangerOptions } from "./stranger.ts";
import { Timeline } from "./timeline.ts";

export interface RoomOptions {
  seed: number;
  /** One for each index entry. */
  storedLengths: Uint32Array;
  pcs: Partial<PcOptions>[];
  uplinkBps: number;
  uplinkQueueBytes: number;
  /** Lost by the whole room at once. */
  uplinkLoss: LossOptions;
  /** The uplink is the sender's own interface: its socket takes no more while so many packets wait in it. */
  socketPackets: number;
  /** What the sender believes of its link. */
  linkBps: number | null;
  rateLimitBps: number | null;
  /** The server is started anew then. */
  restartAtMs: number;
  /** An operator drops a PC of the session then: the others get new keys. */
  rekeyAtMs: number;
  /** At the end of each `everyMs` the server gets no processor for `forMs`; null: it always has one. */
  starved: { readonly everyMs: number; readonly forMs: number } | null;
  /** The server gets a processor by chance; null: it always has one. */
  stalls: StallOptions | null;
  /** Somebody who is no member sends to the group. */
  stranger: StrangerOptions | null;
  readDelayMs: number;
  limitMs: number;
}

export interface RoomResult {
  readonly pcs: readonly SimPc[];
  readonly stats: CastSenderStats;
  /** Packets that the uplink had no room for, and those offered to it. */
  readonly uplinkDropped: number;
  readonly packetsSent: number;
  readonly endedAt: number;
  /** What the rate control allowed each quarter second, and what of it the uplink had no room for. */
  readonly quarters: readonly Quarter[];
  /** UDP payload sent, over the stored bytes that the PCs together wanted at least once. */
  readonly wireRatio: number;
}

export interface Quarter {
  readonly allowedBps: number;
  readonly packets: number;
  readonly dropped: number;
}

/** The control connection notices so late that nobody is there. */
const deadAfter = 6000;

const timerLateMs = 0.1;
/** What a socket's buffer of 512 KB holds, as the kernel counts it. */
const ownSocketPackets = 227;

/** However unlucky its PCs are, a room never costs the wire more than so many times each PC alone. */
const waste = 1.25;
/**
 * Signs of life; and what a first rate that is too high loses: half a second of it, and what it takes the slowest
 * port to carry the packets by which three rates are judged.
 */
const greetingBytes = 100_000;
const searchMs = 500;
const judgedPackets = 3 * 100;
const firstBps = 250e6;
const firstUnknownBps = 100e6;

/** From new keys until they are used, as in the sender's worker, and until the last PC has them. */
const rekeyAfterMs = 500;
const keysComeMs = 400;

/** A link and a clock that several rooms have in common. */
export interface Building {
  readonly time: Timeline;
  readonly uplink: Link;
}

export class SimRoom {
  readonly random: () => number;
  readonly time: Timeline;
  readonly tag: number;
  readonly storedLengths: Uint32Array;
  readonly pcs: SimPc[];
  /** Those that members have, or are about to get. */
  keys: SimKeys;
  /** The sender's. */
  keysInUse: SimKeys;
  private readonly options: RoomOptions;
  private readonly uplink: Link;
  private readonly isLost: () => boolean;
  private readonly noise: Buffer;
  private sender: CastSenderMachine;
  private readonly joinedPcs = new Set<SimPc>();
  private senderLife = 0;
  private wakeAt = Number.POSITIVE_INFINITY;
  private bytesBefore = 0;
  /** UDP payload that it would take to serve each PC alone, each time that it comes. */
  private aloneBytes = 0;
  private packetsSent = 0;
  /** What whoever listens has heard last. */
  lastPacket: Uint8Array | null = null;
  private readonly batch = new Uint8Array(packetLimit * 44);
  private droppedCount = 0;
  /** When those packets that wait in the own interface are through. */
  private waiting: number[] = [];
  private readonly quarters: Quarter[] = [];
  private readonly stalls: Stalls | null;

  constructor(
    options: Partial<RoomOptions> & Pick<RoomOptions, "seed" | "pcs">,
    building: Partial<Building> = {},
  ) {
    const isOwn = options.linkBps !== undefined && options.linkBps === (options.uplinkBps ?? 1e9);
    this.options = {
      storedLengths: new Uint32Array(100).fill(30_000),
      uplinkBps: 1e9,
      uplinkQueueBytes: isOwn ? 1_500_000 : 256 * 1024,
      uplinkLoss: { ratio: 0, burstRatio: 0, burstLength: 1 },
      socketPackets: isOwn ? ownSocketPackets : Number.POSITIVE_INFINITY,
      linkBps: null,
      rateLimitBps: null,
      restartAtMs: Number.POSITIVE_INFINITY,
      rekeyAtMs: Number.POSITIVE_INFINITY,
      starved: null,
      stalls: null,
      stranger: null,
      readDelayMs: 1,
      limitMs: 3_600_000,
      ...options,
    };
    this.random = seeded(options.seed);
    this.tag = Math.floor(this.random() * 2 ** 32);
    this.storedLengths = this.options.storedLengths;
    this.keys = simKeys(0);
    this.keysInUse = this.keys;
    const { stalls } = this.options;
    this.stalls = stalls === null ? null : new Stalls(stalls, seeded(options.seed));
    this.noise = Buffer.alloc(2 << 20);
    for (let at = 0; at < this.noise.length; at += 4)
      this.noise.writeUInt32LE(Math.floor(this.random() * 2 ** 32), at);
    const { uplinkBps, uplinkQueueBytes } = this.options;
    this.time = building.time ?? new Timeline();
    this.uplink = building.uplink ?? new Link({ bps: uplinkBps, queueBytes: uplinkQueueBytes });
    this.isLost = lossy(this.options.uplinkLoss, this.random);
    this.sender = this.newSender();
    this.pcs = options.pcs.map((pc, index) => new SimPc(index + 1, { ...plainPc, ...pc }, this));
    this.time.at(this.options.restartAtMs, () => this.restart());
    this.time.at(this.options.rekeyAtMs, () => this.rekey());
    const { stranger } = this.options;
    if (stranger !== null) disturb(stranger, this);
    this.observe(0, 0);
  }

  /** Runs until every live PC has all it wants, and every dead one is named. */
  run(): RoomResult {
    while (!this.isOver()) this.step();
    const result = this.result();
    const { bytesSent } = result.stats;
    assert(
      bytesSent < waste * this.aloneBytes + greetingBytes + this.searchBytes(),
      `${bytesSent} bytes sent, ${this.aloneBytes} to serve each PC alone`,
    );
    while (!this.areDeadNamed()) this.step();
    return result;
  }

  /** One event. */
  step(): void {
    const { limitMs, seed } = this.options;
    if (this.time.now > limitMs) this.fail(`seed ${seed}: not done after ${limitMs} ms`);
    this.time.step();
    assert(this.sender.entriesHeld <= supplyLimit, "the sender's memory is bounded");
  }

  result(): RoomResult {
    const stats = this.stats();
    const bytesSent = stats.bytesSent + this.bytesBefore;
    return {
      pcs: this.pcs,
      stats: { ...stats, bytesSent },
      uplinkDropped: this.droppedCount,
      packetsSent: this.packetsSent,
      endedAt: this.time.now,
      quarters: this.quarters,
      wireRatio: bytesSent / this.unionBytes(),
    };
  }

  /** Whether one of those who have the keys sends what is wrong. */
  get isPoisoned(): boolean {
    return this.options.stranger?.isMember ?? false;
  }

  stats(): CastSenderStats {
    return this.sender.stats(millis(this.time.now));
  }

  /** The stored bytes of an entry, encrypted with these keys. */
  stored(entryIndex: number, keys: SimKeys): Buffer {
    const length = this.storedLengths[entryIndex] as number;
    const start = (entryIndex * 7919 + keys.number * 104_729) % (this.noise.length - length);
    return this.noise.subarray(start, start + length);
  }

  // --- what the PCs do

  joined(pc: SimPc): void {
    this.joinedPcs.add(pc);
    this.aloneBytes += this.bytesToServe(pc);
    this.whenAwake(() => this.sender.join(pc.id, pc.wants(), millis(this.time.now)));
  }

  /** A chunk that a stranger with the keys has spoilt is served once more. */
  spoilt(pc: SimPc, entryIndex: number): void {
    this.aloneBytes += this.bytesToServe(pc, [entryIndex]);
  }

  reported(pc: SimPc, report: Uint8Array): void {
    this.whenAwake(() => this.sender.report(pc.id, report, millis(this.time.now)));
  }

  died(pc: SimPc): void {
    this.time.at(this.time.now + deadAfter, () => {
      if (!pc.isAlive) this.left(pc);
    });
  }

  left(pc: SimPc): void {
    this.joinedPcs.delete(pc);
    this.sender.leave(pc.id, millis(this.time.now));
    this.work();
  }

  // --- the server

  /** Until when it has no processor; now: it has one. */
  private get starvedUntil(): number {
    const { starved } = this.options;
    const { now } = this.time;
    if (this.stalls !== null) return this.stalls.awakeAt(now);
    if (starved === null) return now;
    const into = now % starved.everyMs;
    return into < starved.everyMs - starved.forMs ? now : now - into + starved.everyMs;
  }

  /** What comes for the server waits until it has a processor. */
  whenAwake(act: () => void): void {
    const until = this.starvedUntil;
    if (until > this.time.now) return this.time.at(until, () => this.whenAwake(act));
    act();
    this.work();
  }

  private newSender(): CastSenderMachine {
    const { linkBps, rateLimitBps } = this.options;
    return new CastSenderMachine(
      {
        tag: this.tag,
        generation: Math.floor(this.random() * 65536),
        packetKey: this.keysInUse.packet,
        storedLengths: this.storedLengths,
        linkBps,
        rateLimitBps,
        makeSlab: (byteCount) => new Uint8Array(byteCount),
      },
      millis(this.time.now),
    );
  }

  private restart(): void {
    this.bytesBefore += this.sender.stats(millis(this.time.now)).bytesSent;
    this.changeKeys();
    this.keysInUse = this.keys;
    this.sender = this.newSender();
    this.senderLife++;
    this.wakeAt = Number.POSITIVE_INFINITY;
    for (const pc of this.joinedPcs) {
      this.aloneBytes += this.bytesToServe(pc);
      this.sender.join(pc.id, pc.wants(), millis(this.time.now));
      pc.machine?.refresh(millis(this.time.now));
    }
    this.work();
  }

  private rekey(): void {
    const { senderLife } = this;
    const keys = this.changeKeys();
    this.time.at(this.time.now + rekeyAfterMs, () => {
      if (senderLife !== this.senderLife) return;
      this.keysInUse = keys;
      // What each has in parts is sent once more.
      for (const pc of this.joinedPcs) this.aloneBytes += this.bytesToServe(pc);
      this.sender.rekey(keys.packet, millis(this.time.now));
      this.work();
    });
  }

  private changeKeys(): SimKeys {
    this.keys = simKeys(this.keys.number + 1);
    const { keys } = this;
    for (const pc of this.pcs)
      this.time.at(this.time.now + this.random() * keysComeMs, () => pc.rekey(keys));
    return keys;
  }

  private work(): void {
    const { sender, batch } = this;
    const now = millis(this.time.now);
    if (this.starvedUntil > now) return this.wake();
    sender.tick(now);
    for (;;) {
      this.read();
      const room = this.options.socketPackets - this.countWaiting();
      const count = room > 0 ? sender.fill(batch, Math.min(44, room), now) : 0;
      if (count === 0) break;
      const packets = batch.slice(0, count * sender.packetBytes);
      for (let at = 0; at < packets.length; at += sender.packetBytes)
        this.cast(packets.subarray(at, at + sender.packetBytes));
    }
    this.wake();
  }

  private countWaiting(): number {
    const { now } = this.time;
    if ((this.waiting[0] ?? now + 1) <= now) this.waiting = this.waiting.filter((at) => at > now);
    return this.waiting.length;
  }

  private read(): void {
    const { senderLife } = this;
    for (const entryIndex of this.sender.takeReads()) {
      this.time.at(this.time.now + this.options.readDelayMs * (0.5 + this.random()), () => {
        if (senderLife !== this.senderLife) return;
        const stored = this.stored(entryIndex, this.keysInUse);
        this.sender.supplyEntry(entryIndex, stored.length, (into) => into.set(stored));
        this.work();
      });
    }
  }

  /** Somebody else sends to the group. */
  intrude(packet: Uint8Array): void {
    const through = this.uplink.pass(this.time.now, packet.length);
    if (through !== null) for (const pc of this.pcs) pc.send(packet, through);
  }

  private cast(packet: Uint8Array): void {
    this.lastPacket = packet;
    this.packetsSent++;
    const through = this.uplink.pass(this.time.now, packet.length);
    if (through === null) this.droppedCount++;
    else if (Number.isFinite(this.options.socketPackets)) this.waiting.push(through);
    if (through === null || this.isLost()) return;
    for (const pc of this.pcs) pc.send(packet, through);
  }

  private observe(packetsBefore: number, droppedBefore: number): void {
    this.time.at(this.time.now + 250, () => {
      this.quarters.push({
        allowedBps: this.sender.allowedBps,
        packets: this.packetsSent - packetsBefore,
        dropped: this.droppedCount - droppedBefore,
      });
      this.observe(this.packetsSent, this.droppedCount);
    });
  }

  private wake(): void {
    // A timer is late by as much as the host is busy.
    const isFull = this.countWaiting() >= this.options.socketPackets;
    const next = isFull ? (this.waiting[0] as number) : this.sender.deadline;
    const soon = Math.max(this.time.now + 0.05, this.starvedUntil);
    const at = Math.max(soon, next) + this.random() * timerLateMs;
    if (at >= this.wakeAt) return;
    this.wakeAt = at;
    const { senderLife } = this;
    this.time.at(at, () => {
      if (senderLife !== this.senderLife || this.wakeAt !== at) return;
      this.wakeAt = Number.POSITIVE_INFINITY;
      this.work();
    });
  }

  isOver(): boolean {
    const { now } = this.time;
    return this.pcs.every(({ options, isAlive, hasAll, hasFailed }) => {
      if (options.joinAtMs > now) return false;
      if (isAlive) return hasAll;
      if (hasFailed) return true;
      return (
        options.dieAtMs <= now &&
        (options.returnAtMs <= now || !Number.isFinite(options.returnAtMs))
      );
    });
  }

  /** Who has fallen silent is said to be so, or has left. */
  private areDeadNamed(): boolean {
    const { receivers } = this.stats();
    return this.pcs.every(({ id, isAlive }) => {
      const standing = receivers.find(({ receiver }) => receiver === id);
      return isAlive || standing === undefined || standing.hearing === "silent";
    });
  }

  private unionBytes(): number {
    let sum = 0;
    for (let entry = 0; entry < this.storedLengths.length; entry++) {
      if (this.pcs.some(({ taken, options }) => taken[entry] === 1 && options.hasRatio === 0))
        sum += this.storedLengths[entry] as number;
    }
    return Math.max(1, sum);
  }

  private searchBytes(): number {
    const { linkBps, rateLimitBps } = this.options;
    const first = linkBps === null ? firstUnknownBps : Math.min(firstBps, linkBps);
    const slowest = Math.min(...this.pcs.map(({ options }) => options.portBps));
    const ms = searchMs + (judgedPackets * packetLimit * 8000) / slowest;
    return (Math.min(first, rateLimitBps ?? first) * ms) / 8000;
  }

  private bytesToServe(
    { taken, options }: SimPc,
    entries: Iterable<number> = taken.keys(),
  ): number {
    let packets = 0;
    for (const entry of entries)
      if (taken[entry] === 0) packets += symbolCountOf(this.storedLengths[entry] as number);
    const { uplinkLoss } = this.options;
    const arriving =
      (1 - uplinkLoss.ratio) *
      (1 - uplinkLoss.burstRatio * uplinkLoss.burstLength) *
      (1 - options.loss) *
      (1 - options.burstRatio * options.burstLength);
    return (packets * repairPacketBytes) / arriving;
  }

  private fail(what: string): never {
    const lines = this.pcs
      .filter(({ hasAll }) => !hasAll)
      .map(
        ({ id, isAlive, hasFailed, takenCount, wantedCount }) =>
          `pc${id} ${isAlive ? "alive" : hasFailed ? "failed" : "dead"} has ${takenCount} of ${wantedCount}`,
      );
    assert.fail(`${what}\n${lines.join("\n")}`);
  }
}

/** Several rooms on one link; runs until the first of them is done. */
export function runTogether(
  building: Building,
  rooms: readonly (Partial<RoomOptions> & Pick<RoomOptions, "seed" | "pcs">)[],
): SimRoom[] {
  const casts = rooms.map((options) => new SimRoom(options, building));
  while (!casts.some((cast) => cast.isOver())) (casts[0] as SimRoom).step();
  return casts;
}

export const runRoom = (options: Partial<RoomOptions> & Pick<RoomOptions, "seed" | "pcs">) =>
  new SimRoom(options).run();
