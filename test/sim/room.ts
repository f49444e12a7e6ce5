/** A room on one clock: the production machines at both ends, and between them wires that fail. */
import assert from "node:assert/strict";
import type { CastSenderStats } from "../../core/cast/handles.ts";
import { CastSenderMachine } from "../../core/cast/sender.ts";
import { supplyLimit } from "../../core/cast/supply.ts";
import { millis } from "../../core/units/units.ts";
import { packetLimit } from "../../core/wire/cast.ts";
import { Link } from "./link.ts";
import { type PcOptions, plainPc, SimPc } from "./pc.ts";
import { seeded } from "./random.ts";
import { Timeline } from "./timeline.ts";

export interface RoomOptions {
  seed: number;
  /** One for each index entry. */
  storedLengths: Uint32Array;
  pcs: Partial<PcOptions>[];
  uplinkBps: number;
  uplinkQueueBytes: number;
  /** What the sender believes of its link. */
  linkBps: number | null;
  rateLimitBps: number | null;
  /** The server is started anew then. */
  restartAtMs: number;
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
  /** Mean of what the rate control allowed, by quarter seconds. */
  readonly allowedBps: readonly number[];
  /** UDP payload sent, over the stored bytes that the PCs together wanted at least once. */
  readonly wireRatio: number;
}

/** Seen to be dead by its silence. */
const deadAfter = 6000;

export class SimRoom {
  readonly random: () => number;
  readonly time = new Timeline();
  readonly tag: number;
  readonly storedLengths: Uint32Array;
  readonly pcs: SimPc[];
  private readonly options: RoomOptions;
  private readonly uplink: Link;
  private readonly noise: Buffer;
  private sender: CastSenderMachine;
  private readonly joinedPcs = new Set<SimPc>();
  private senderLife = 0;
  private wakeAt = Number.POSITIVE_INFINITY;
  private bytesBefore = 0;
  private packetsSent = 0;
  private readonly batch = new Uint8Array(packetLimit * 44);
  private readonly allowedBps: number[] = [];

  constructor(options: Partial<RoomOptions> & Pick<RoomOptions, "seed" | "pcs">) {
    this.options = {
      storedLengths: new Uint32Array(100).fill(30_000),
      uplinkBps: 1e9,
      uplinkQueueBytes: 256 * 1024,
      linkBps: null,
      rateLimitBps: null,
      restartAtMs: Number.POSITIVE_INFINITY,
      readDelayMs: 1,
      limitMs: 600_000,
      ...options,
    };
    this.random = seeded(options.seed);
    this.tag = Math.floor(this.random() * 2 ** 32);
    this.storedLengths = this.options.storedLengths;
    this.noise = Buffer.alloc(2 << 20);
    for (let at = 0; at < this.noise.length; at += 4)
      this.noise.writeUInt32LE(Math.floor(this.random() * 2 ** 32), at);
    const { uplinkBps, uplinkQueueBytes } = this.options;
    this.uplink = new Link({ bps: uplinkBps, queueBytes: uplinkQueueBytes });
    this.sender = this.newSender();
    this.pcs = options.pcs.map((pc, index) => new SimPc(index + 1, { ...plainPc, ...pc }, this));
    this.time.at(this.options.restartAtMs, () => this.restart());
    const observe = (): void => {
      this.allowedBps.push(this.sender.allowedBps);
      this.time.at(this.time.now + 250, observe);
    };
    this.time.at(250, observe);
  }

  /** Runs until every live PC has all it wants, and checks that. */
  run(): RoomResult {
    const { limitMs, seed } = this.options;
    while (!this.isOver()) {
      if (this.time.now > limitMs) this.fail(`seed ${seed}: not done after ${limitMs} ms`);
      this.time.step();
      assert(this.sender.flightCount <= supplyLimit, "the sender's memory is bounded");
    }
    const stats = this.sender.stats(millis(this.time.now));
    const bytesSent = stats.bytesSent + this.bytesBefore;
    return {
      pcs: this.pcs,
      stats: { ...stats, bytesSent },
      uplinkDropped: this.uplink.dropped,
      packetsSent: this.packetsSent,
      endedAt: this.time.now,
      allowedBps: this.allowedBps,
      wireRatio: bytesSent / this.unionBytes(),
    };
  }

  stored(entryIndex: number): Buffer {
    const length = this.storedLengths[entryIndex] as number;
    const start = (entryIndex * 7919) % (this.noise.length - length);
    return this.noise.subarray(start, start + length);
  }

  // --- what the PCs do

  joined(pc: SimPc): void {
    this.joinedPcs.add(pc);
    this.sender.join(pc.id, pc.wants(), millis(this.time.now));
    this.work();
  }

  reported(pc: SimPc, report: Uint8Array): void {
    this.sender.report(pc.id, report, millis(this.time.now));
    this.work();
  }

  died(pc: SimPc): void {
    this.joinedPcs.delete(pc);
    this.time.at(this.time.now + deadAfter, () => {
      if (pc.isAlive) return;
      this.sender.leave(pc.id, millis(this.time.now));
      this.work();
    });
  }

  // --- the server

  private newSender(): CastSenderMachine {
    const { linkBps, rateLimitBps } = this.options;
    return new CastSenderMachine(
      {
        tag: this.tag,
        generation: Math.floor(this.random() * 65536),
        storedLengths: this.storedLengths,
        linkBps,
        rateLimitBps,
      },
      millis(this.time.now),
    );
  }

  private restart(): void {
    this.bytesBefore += this.sender.stats(millis(this.time.now)).bytesSent;
    this.sender = this.newSender();
    this.senderLife++;
    this.wakeAt = Number.POSITIVE_INFINITY;
    for (const pc of this.joinedPcs) {
      this.sender.join(pc.id, pc.wants(), millis(this.time.now));
      pc.machine?.refresh(millis(this.time.now));
    }
    this.work();
  }

  private work(): void {
    const { sender, batch } = this;
    const now = millis(this.time.now);
    sender.tick(now);
    for (;;) {
      this.read();
      const count = sender.fill(batch, 44, now);
      if (count === 0) break;
      for (let index = 0; index < count; index++) {
        const at = index * sender.packetBytes;
        this.cast(batch.slice(at, at + sender.packetBytes));
      }
    }
    this.wake();
  }

  private read(): void {
    const { senderLife } = this;
    for (const entryIndex of this.sender.takeReads()) {
      this.time.at(this.time.now + this.options.readDelayMs * (0.5 + this.random()), () => {
        if (senderLife !== this.senderLife) return;
        this.sender.supplyEntry(entryIndex, this.stored(entryIndex));
        this.work();
      });
    }
  }

  private cast(packet: Uint8Array): void {
    this.packetsSent++;
    const through = this.uplink.pass(this.time.now, packet.length);
    if (through === null) return;
    for (const pc of this.pcs) pc.send(packet, through);
  }

  private wake(): void {
    const at = Math.max(this.time.now + 0.05, this.sender.deadline);
    if (at >= this.wakeAt) return;
    this.wakeAt = at;
    const { senderLife } = this;
    this.time.at(at, () => {
      if (senderLife !== this.senderLife || this.wakeAt !== at) return;
      this.wakeAt = Number.POSITIVE_INFINITY;
      this.work();
    });
  }

  private isOver(): boolean {
    const { now } = this.time;
    return this.pcs.every(({ options, isAlive, hasAll }) => {
      if (options.joinAtMs > now) return false;
      if (isAlive) return hasAll;
      return (
        options.dieAtMs <= now &&
        (options.returnAtMs <= now || !Number.isFinite(options.returnAtMs))
      );
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

  private fail(what: string): never {
    const lines = this.pcs.map(
      ({ id, isAlive, takenCount, wantedCount }) =>
        `pc${id} ${isAlive ? "alive" : "dead"} has ${takenCount} of ${wantedCount}`,
    );
    assert.fail(`${what}\n${lines.join("\n")}`);
  }
}

export const runRoom = (options: Partial<RoomOptions> & Pick<RoomOptions, "seed" | "pcs">) =>
  new SimRoom(options).run();
