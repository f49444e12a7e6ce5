/**
 * A room in one process: the production machines of a cast on one event queue, with links that delay,
 * lose, reorder, double and queue, disks that take their time, PCs that come late and die. Everything
 * follows from a seed.
 */

import { CastReceiverMachine, slotBytes } from "../../core/relay/receiver.ts";
import { CastSenderMachine } from "../../core/relay/sender.ts";
import { assert } from "../../core/errors.ts";
import { type Millis, millis } from "../../core/units/units.ts";
import { codedPacketBytes } from "../../core/wire/relay.ts";

export interface LinkSpec {
  /** Independent loss, 0…1. */
  readonly loss?: number;
  /** Mean length of a burst of losses in packets; 1 when absent. */
  readonly burst?: number;
  readonly reorder?: number;
  readonly duplicate?: number;
  readonly delayMs?: number;
  /** Bits a second of this PC's own port, with a bounded queue. */
  readonly portBps?: number;
  /** Fraction of reports that never arrive. */
  readonly reportLoss?: number;
}

export interface PcSpec extends LinkSpec {
  /** Bytes a second. */
  readonly diskBps?: number;
  readonly joinsAtMs?: number;
  readonly diesAtMs?: number;
  /** The nth completed entry does not match its hash at first. */
  readonly corruptEntry?: number;
  readonly slots?: number;
}

export interface RoomSpec {
  readonly seed: number;
  readonly entries: number;
  readonly storedBytes: number;
  readonly linkBps: number | null;
  readonly rateLimitBps?: number;
  readonly pcs: readonly PcSpec[];
  readonly limitMs?: number;
}

export interface RoomResult {
  readonly elapsedMs: number;
  readonly finishedAtMs: readonly (number | null)[];
  readonly bytesSent: number;
  readonly repairBytes: number;
  readonly passes: number;
  /** UDP payload bytes sent per stored byte. */
  readonly wireRatio: number;
  readonly peakFlightBytes: number;
}

/** mulberry32: small, seeded, good enough for links. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A queue of things to do, by time. */
class Agenda {
  private readonly heap: { at: number; order: number; run: () => void }[] = [];
  private order = 0;
  now = 0;

  at(time: number, run: () => void): void {
    const item = { at: Math.max(time, this.now), order: this.order++, run };
    let index = this.heap.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  next(): boolean {
    const [first] = this.heap;
    const last = this.heap.pop();
    if (first === undefined || last === undefined) return false;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      let index = 0;
      for (;;) {
        let least = index;
        for (const child of [2 * index + 1, 2 * index + 2]) {
          if (child < this.heap.length && this.before(child, least)) least = child;
        }
        if (least === index) break;
        this.swap(index, least);
        index = least;
      }
    }
    this.now = first.at;
    first.run();
    return true;
  }

  private before(a: number, b: number): boolean {
    const [left, right] = [this.heap[a], this.heap[b]];
    assert(left !== undefined && right !== undefined, "both are in the heap");
    return left.at < right.at || (left.at === right.at && left.order < right.order);
  }

  private swap(a: number, b: number): void {
    const [left, right] = [this.heap[a], this.heap[b]];
    assert(left !== undefined && right !== undefined, "both are in the heap");
    this.heap[a] = right;
    this.heap[b] = left;
  }
}

const tickMs = 1;
const wireDelayMs = 0.2;
const reportDelayMs = 1;
/** A switch port's buffer. */
const portQueueBytes = 512 * 1024;

/** Runs a room until every living PC has every entry; throws, with the seed, when one does not. */
export function runRoom(spec: RoomSpec): RoomResult {
  const random = seeded(spec.seed);
  const agenda = new Agenda();
  const now = (): Millis => millis(agenda.now);
  const storedLengths = new Uint32Array(spec.entries).map(() => {
    return 1 + Math.floor(spec.storedBytes * (0.6 + 0.8 * random()));
  });
  const contents = [...storedLengths].map((length, entry) => {
    const bytes = new Uint8Array(length);
    const next = seeded(spec.seed * 7919 + entry);
    for (let at = 0; at < length; at += 4) {
      const word = Math.floor(next() * 2 ** 32);
      for (let part = 0; part < 4 && at + part < length; part++)
        bytes[at + part] = word >>> (8 * part);
    }
    return bytes;
  });
  const sender = new CastSenderMachine(
    {
      tag: 0xabcdef01,
      generation: 7,
      storedLengths,
      linkBps: spec.linkBps,
      rateLimitBps: spec.rateLimitBps ?? null,
    },
    now(),
  );
  const all = new Uint8Array((spec.entries + 7) >> 3).fill(255);
  const finishedAtMs: (number | null)[] = spec.pcs.map(() => null);
  let wireFreeAt = 0;
  let peakFlightBytes = 0;

  class SimulatedPc {
    readonly spec: PcSpec;
    readonly id: number;
    readonly slab: Uint8Array;
    readonly taken = new Map<number, number>();
    machine: CastReceiverMachine | null = null;
    private portFreeAt = 0;
    private diskFreeAt = 0;
    private burstLeft = 0;
    private corruptLeft: number;
    private isDead = false;

    constructor(pc: PcSpec, index: number) {
      this.spec = pc;
      this.id = index + 1;
      const slots = pc.slots ?? 24;
      this.slab = new Uint8Array(slots * slotBytes);
      this.corruptLeft = pc.corruptEntry ?? -1;
      agenda.at(pc.joinsAtMs ?? 0, () => {
        if (this.isDead) return;
        this.machine = new CastReceiverMachine(
          { tag: 0xabcdef01, storedLengths, wants: all, slotCount: slots, slab: this.slab },
          now(),
        );
        sender.join(this.id, all);
        this.reportLater();
      });
      if (pc.diesAtMs !== undefined) {
        agenda.at(pc.diesAtMs, () => {
          this.isDead = true;
          this.machine = null;
          // The session notices a dead connection only after a while.
          agenda.at(agenda.now + 1500, () => sender.leave(this.id));
        });
      }
    }

    get isDone(): boolean {
      return this.isDead || (this.spec.diesAtMs === undefined && this.taken.size === spec.entries);
    }

    offer(packet: Uint8Array): void {
      const { loss = 0, burst = 1, reorder = 0, duplicate = 0, portBps } = this.spec;
      if (this.machine === null) return;
      if (this.burstLeft > 0) {
        this.burstLeft--;
        return;
      }
      if (random() < loss / burst) {
        this.burstLeft = Math.floor(random() * 2 * burst);
        return;
      }
      let at = agenda.now + (this.spec.delayMs ?? wireDelayMs);
      if (portBps !== undefined) {
        const queued = ((this.portFreeAt - agenda.now) * portBps) / 8000;
        if (queued > portQueueBytes) return;
        this.portFreeAt = Math.max(this.portFreeAt, agenda.now) + (packet.length * 8000) / portBps;
        at = this.portFreeAt;
      }
      if (random() < reorder) at += random() * 3;
      agenda.at(at, () => this.receive(packet));
      if (random() < duplicate) agenda.at(at + random(), () => this.receive(packet));
    }

    private receive(packet: Uint8Array): void {
      this.machine?.packet(packet, 0, packet.length, now());
      for (const { entryIndex, slot, length } of this.machine?.takeCompleted() ?? []) {
        const bytes = this.slab.slice(slot * slotBytes, slot * slotBytes + length);
        const duration = (length * 1000) / (this.spec.diskBps ?? 1e9);
        this.diskFreeAt = Math.max(this.diskFreeAt, agenda.now) + duration;
        agenda.at(this.diskFreeAt, () => this.write(entryIndex, bytes));
      }
    }

    private write(entryIndex: number, bytes: Uint8Array): void {
      if (this.machine === null) return;
      if (this.corruptLeft-- === 0) return this.machine.settle(entryIndex, false);
      const content = contents[entryIndex];
      assert(
        content !== undefined && equal(content, bytes),
        `seed ${spec.seed}: entry ${entryIndex}`,
      );
      this.taken.set(entryIndex, (this.taken.get(entryIndex) ?? 0) + 1);
      assert(
        this.taken.get(entryIndex) === 1,
        `seed ${spec.seed}: entry ${entryIndex} written twice`,
      );
      this.machine.settle(entryIndex, true);
      if (this.taken.size === spec.entries) finishedAtMs[this.id - 1] = agenda.now;
    }

    private reportLater(): void {
      if (this.machine === null) return;
      const payload = this.machine.takeReport(now());
      if (payload !== undefined && random() >= (this.spec.reportLoss ?? 0)) {
        agenda.at(agenda.now + reportDelayMs, () => sender.report(this.id, payload));
      }
      agenda.at(agenda.now + 5, () => this.reportLater());
    }
  }

  const pcs = spec.pcs.map((pc, index) => new SimulatedPc(pc, index));
  const linkBps = spec.linkBps ?? 1e9;
  const scratch = new Uint8Array(codedPacketBytes);
  const tick = (): void => {
    sender.tick(now());
    for (const entry of sender.takeReads()) {
      agenda.at(agenda.now + 1, () => sender.supply(entry, contents[entry] as Uint8Array));
    }
    for (;;) {
      const length = sender.nextPacket(scratch, 0, now());
      if (length === 0) break;
      const packet = scratch.slice(0, length);
      // The sender's own link: what it cannot carry at once waits in the sender's queue.
      wireFreeAt = Math.max(wireFreeAt, agenda.now) + ((length + 46) * 8000) / linkBps;
      agenda.at(wireFreeAt, () => {
        for (const pc of pcs) pc.offer(packet);
      });
    }
    peakFlightBytes = Math.max(peakFlightBytes, sender.heldBytes);
    agenda.at(agenda.now + tickMs, tick);
  };
  agenda.at(0, tick);

  const limitMs = spec.limitMs ?? 120_000;
  while (!pcs.every((pc) => pc.isDone)) {
    agenda.next();
    if (agenda.now < limitMs) continue;
    const lacking = pcs.map((pc) => `pc${pc.id} has ${pc.taken.size}`).join(", ");
    throw new Error(
      `seed ${spec.seed}: not done after ${limitMs} ms of ${spec.entries}: ${lacking}`,
    );
  }
  const stats = sender.stats();
  const stored = storedLengths.reduce((sum, length) => sum + length, 0);
  return {
    elapsedMs: agenda.now,
    finishedAtMs,
    bytesSent: stats.bytesSent,
    repairBytes: stats.repairBytes,
    passes: stats.passes,
    wireRatio: stats.bytesSent / stored,
    peakFlightBytes,
  };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
