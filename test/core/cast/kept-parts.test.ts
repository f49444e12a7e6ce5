/** What a receiver keeps beside its slots: the memory of it, and what becomes of it packet by packet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptParts } from "../../../core/cast/kept-parts.ts";
import { CastReceiverMachine } from "../../../core/cast/receiver.ts";
import { PacketSeal } from "../../../core/cast/seal.ts";
import { slabBytesFor } from "../../../core/cast/slab.ts";
import { millis } from "../../../core/units/units.ts";
import {
  dataPacketBytes,
  packetKind,
  repairPacketBytes,
  symbolBytes,
  writeHeader,
  writeMembers,
} from "../../../core/wire/cast.ts";
import { decodeReport } from "../../../core/wire/cast-report.ts";
import { seeded } from "../../sim/random.ts";
import { packetKey } from "./keys.ts";

const cellBytes = symbolBytes + 6;
/** Tells by its first bytes which symbol of which entry it is. */
const symbolOf = (entry: number, symbol: number): Uint8Array =>
  new Uint8Array(symbolBytes).fill(symbol + 1).fill(entry + 1, 0, 700);

const taken = (kept: KeptParts, entry: number): number[] => {
  const symbols: number[] = [];
  kept.take(entry, (symbol, bytes, at) => {
    const found = bytes.subarray(at, at + symbolBytes);
    assert.equal(Buffer.compare(found, symbolOf(entry, symbol)), 0, `symbol ${symbol} of ${entry}`);
    symbols.push(symbol);
  });
  return symbols.sort((one, other) => one - other);
};

test("what is kept is what came, whatever is taken and dropped meanwhile, and never more than its limit", () => {
  const limit = 3000;
  const symbolCount = 40;
  for (const seed of [1, 2, 3]) {
    const random = seeded(seed);
    const kept = new KeptParts(limit * cellBytes);
    const model = new Map<number, Set<number>>();
    let [fullest, refused] = [0, 0];
    for (let round = 0; round < 30_000; round++) {
      const entry = Math.floor(random() * 200);
      const symbol = Math.floor(random() * symbolCount);
      const chance = random();
      if (chance < 0.004) {
        assert.deepEqual(
          taken(kept, entry),
          [...(model.get(entry) ?? [])].sort((one, other) => one - other),
        );
        model.delete(entry);
      } else if (chance < 0.008) {
        kept.drop(entry);
        model.delete(entry);
      } else {
        const isKept = kept.add(entry, symbol, symbolCount, {
          bytes: symbolOf(entry, symbol),
          at: 0,
        });
        const used = [...model.values()].reduce((sum, { size }) => sum + size, 0);
        fullest = Math.max(fullest, used);
        const isNew = !(model.get(entry)?.has(symbol) ?? false);
        if (used === limit && isNew) {
          assert.equal(isKept, model.has(entry), "there is no room for another symbol");
          refused++;
        } else {
          assert(isKept);
          model.set(entry, (model.get(entry) ?? new Set()).add(symbol));
        }
      }
      assert.equal(kept.count, model.size);
    }
    assert.equal(fullest, limit);
    assert(refused > 100);
    assert.deepEqual(kept.clear(), [...model.keys()]);
    assert.equal(kept.count, 0);
    assert.deepEqual(taken(kept, 0), []);
  }
});

test("without memory for it nothing is kept", () => {
  const kept = new KeptParts(cellBytes - 1);
  assert(!kept.add(1, 0, 4, { bytes: symbolOf(1, 0), at: 0 }));
  assert.equal(kept.count, 0);
});

test("the part that was begun first is the next, and what is whole goes before it", () => {
  const kept = new KeptParts(1e6);
  const add = (entry: number, symbol: number): boolean =>
    kept.add(entry, symbol, 2, { bytes: symbolOf(entry, symbol), at: 0 });
  for (const entry of [7, 3, 5, 4]) add(entry, 0);
  assert.deepEqual([kept.nextPart, kept.nextWhole], [7, null]);
  add(5, 0);
  assert.equal(kept.nextWhole, null, "the same symbol again completes nothing");
  add(5, 1);
  add(3, 1);
  assert.deepEqual([kept.nextPart, kept.nextWhole], [7, 5]);
  kept.drop(5);
  kept.drop(7);
  assert.deepEqual([kept.nextPart, kept.nextWhole], [4, 3]);
  assert.deepEqual(taken(kept, 3), [0, 1]);
  assert.deepEqual([kept.nextPart, kept.nextWhole], [4, null]);
});

// --- in the receiver

const tag = 0x5107;
const entryCount = 40;
const symbolCount = 12;
const storedLengths = new Uint32Array(entryCount).fill(symbolCount * symbolBytes);
const symbolCounts = new Uint16Array(entryCount).fill(symbolCount);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

function open(slotCount: number, keptBytes: number) {
  const slab = new Uint8Array(slabBytesFor(storedLengths, slotCount));
  const wants = new Uint8Array(entryCount / 8).fill(255);
  const machine = new CastReceiverMachine(
    { tag, packetKey, storedLengths, wants, slotCount, keptBytes, slab },
    millis(0),
  );
  let [sequence, generation, seal, now] = [0, 1, new PacketSeal(packetKey), 0];
  const give = (kind: number, entryIndex: number, symbol: number, body: Uint8Array): void => {
    const packet = new Uint8Array(kind === packetKind.data ? dataPacketBytes : repairPacketBytes);
    sequence++;
    writeHeader(packet, 0, { kind, symbol, generation, tag, entryIndex, sequence });
    packet.set(body, packet.length - 4 - symbolBytes);
    if (kind === packetKind.repair)
      writeMembers(packet, 0, [(body[symbolBytes - 1] as number) - 1]);
    seal.write(packet, 0, packet.length);
    machine.packet(packet, 0, packet.length);
  };
  return {
    machine,
    data(entry: number, ...symbols: number[]): void {
      for (const symbol of symbols) give(packetKind.data, entry, symbol, symbolOf(entry, symbol));
    },
    repair(entry: number, symbol: number): void {
      give(packetKind.repair, entry, 1, symbolOf(entry, symbol));
    },
    rekey(key: Uint8Array): void {
      machine.rekey(key, millis(now));
      [sequence, generation, seal] = [0, generation + 1, new PacketSeal(key)];
    },
    /** What is complete, which is checked. */
    completed: (): number[] =>
      machine.completed.splice(0).map(({ entryIndex, offset, storedLength }) => {
        for (const symbol of range(0, symbolCount)) {
          const found = slab.subarray(
            offset + symbol * symbolBytes,
            offset + (symbol + 1) * symbolBytes,
          );
          assert.equal(Buffer.compare(found, symbolOf(entryIndex, symbol)), 0);
        }
        assert.equal(storedLength, symbolCount * symbolBytes);
        return entryIndex;
      }),
    report() {
      now += 3001;
      const decoded = decodeReport(machine.report(millis(now)) as Uint8Array, symbolCounts);
      assert(decoded.ok);
      const { freeSlots, slotCount: slots, assembling, settled, wants: wanted } = decoded.value;
      const parts = assembling.map(({ entryIndex, lacking }) => [entryIndex, lacking.length]);
      return { freeSlots, slotCount: slots, parts, settled, wanted };
    },
  };
}

const even = range(0, symbolCount).filter((symbol) => symbol % 2 === 0);
const odd = range(0, symbolCount).filter((symbol) => symbol % 2 === 1);

test("what comes while no slot is free moves to the next that is, and the sender hears of no free slot before", () => {
  const { machine, data, completed, report } = open(2, 1e6);
  for (const entry of range(0, 6)) data(entry, ...even);
  const { freeSlots, slotCount, parts, wanted } = report();
  assert.deepEqual([freeSlots, slotCount], [0, 2]);
  assert.deepEqual(parts, [
    [0, 6],
    [1, 6],
  ]);
  assert.deepEqual(wanted, new Uint8Array(entryCount / 8).fill(255), "parts are wanted");
  for (const entry of range(0, 6)) {
    data(entry, ...odd);
    assert.deepEqual(completed(), [entry]);
    machine.settle(entry, "taken");
    assert.equal(report().freeSlots, entry < 4 ? 0 : entry - 3);
  }
  assert.deepEqual(report().parts, []);
  data(0, ...even);
  assert.deepEqual(completed(), []);
});

test("what gets whole beside the slots goes to the disk by slots of its own, which nobody is told of", () => {
  const { machine, data, repair, completed, report } = open(16, 1e6);
  for (const entry of range(0, 20)) data(entry, ...even);
  assert.deepEqual([report().slotCount, report().freeSlots, report().parts.length], [14, 0, 14]);
  for (const entry of [17, 18, 19]) data(entry, ...odd.slice(1));
  // A repair that is no sum is a symbol like others.
  for (const entry of [19, 18, 17]) repair(entry, 1);
  assert.deepEqual(completed(), [19, 18], "there are two such slots");
  assert.equal(report().settled.length, 2);
  machine.settle(19, "corrupt");
  assert.deepEqual(completed(), [17]);
  machine.settle(18, "taken");
  machine.settle(17, "taken");
  const { freeSlots, parts, settled, wanted } = report();
  assert.deepEqual([freeSlots, parts.length], [0, 14]);
  assert.deepEqual(settled.map(({ entryIndex, wanted: again }) => [entryIndex, again]).sort(), [
    [17, false],
    [18, false],
    [19, true],
  ]);
  assert.equal(wanted?.[2], 0b1111_1001);
  assert.equal(completed().length, 0);
});

test("new keys, and what came another way, end what is kept", () => {
  const { machine, data, rekey, completed, report } = open(1, 1e6);
  for (const entry of range(0, 4)) data(entry, ...even);
  machine.forget(1);
  machine.forget(0);
  assert.deepEqual(report().parts, [[2, 6]], "1 is not kept any more, and 3 waits");
  rekey(new Uint8Array(8).fill(3));
  data(5, 0);
  assert.deepEqual(report().parts, [[5, 11]]);
  for (const entry of [2, 3]) data(entry, ...odd.slice(0, 1), ...even);
  assert.equal(report().wanted?.[0], 0b1111_1100);
  machine.forget(5);
  assert.deepEqual(report().parts, [[2, 5]], "nothing is left of before");
  assert.deepEqual(completed(), []);
});

test("a PC that keeps nothing does as if there were nothing but slots", () => {
  const { machine, data, completed, report } = open(16, 0);
  assert.equal(report().slotCount, 16);
  for (const entry of range(0, 20)) data(entry, ...even);
  for (const entry of [0, 19]) data(entry, ...odd);
  assert.deepEqual(completed(), [0]);
  machine.settle(0, "taken");
  assert.deepEqual([report().freeSlots, report().parts.length], [1, 15]);
});

test("an entry is not begun beside the slots from its end, or by a repair", () => {
  const { machine, data, repair, report } = open(1, 1e6);
  data(0, 0);
  data(1, ...range(9, 12));
  repair(2, 0);
  machine.forget(0);
  assert.deepEqual([report().freeSlots, report().parts], [1, []]);
});
