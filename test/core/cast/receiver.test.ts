/** The receiver's machine, packet by packet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CastReceiverMachine } from "../../../core/cast/receiver.ts";
import { PacketSeal } from "../../../core/cast/seal.ts";
import { slabBytesFor } from "../../../core/cast/slab.ts";
import { millis } from "../../../core/units/units.ts";
import {
  dataPacketBytes,
  headerBytes,
  memberBytes,
  packetKind,
  packetLimit,
  repairPacketBytes,
  sealBytes,
  symbolBytes,
  syncPacketBytes,
  writeHeader,
  writeMembers,
  writeReportEvery,
} from "../../../core/wire/cast.ts";
import { type CastReport, decodeReport } from "../../../core/wire/cast-report.ts";
import { seeded } from "../../sim/random.ts";
import { packetKey } from "./keys.ts";

const tag = 0x600d;
/** Entries of 4, 1, 0, 12 and 4 symbols. */
const storedLengths = Uint32Array.of(5000, 7, 0, 16_000, 5632);
const symbolCounts = [4, 1, 0, 12, 4];
const all = Uint8Array.of(0b1_1011);

const storedOf = (entry: number): Uint8Array => {
  const random = seeded(entry + 1);
  return Uint8Array.from({ length: storedLengths[entry] as number }, () => random() * 256);
};
const symbolOf = (entry: number, symbol: number): Uint8Array => {
  const padded = new Uint8Array(symbolBytes);
  padded.set(storedOf(entry).subarray(symbol * symbolBytes, (symbol + 1) * symbolBytes));
  return padded;
};

function open(slotCount = 3) {
  const slab = new Uint8Array(slabBytesFor(storedLengths, slotCount));
  const machine = new CastReceiverMachine(
    { tag, packetKey, storedLengths, wants: all, slotCount, slab },
    millis(0),
  );
  let sequence = 0;
  let now = 0;
  /** The sender, from here on. */
  const sender = { generation: 5, seal: new PacketSeal(packetKey) };
  const write = (kind: number, entryIndex: number, symbol: number, length: number) => {
    const packet = new Uint8Array(length);
    sequence++;
    const { generation } = sender;
    writeHeader(packet, 0, { kind, symbol, generation, tag, entryIndex, sequence });
    return packet;
  };
  const sealed = (packet: Uint8Array): Uint8Array => {
    sender.seal.write(packet, 0, packet.length);
    return packet;
  };
  return {
    machine,
    sealed,
    /** The sender is started anew, or has new keys. */
    rekey(key: Uint8Array): void {
      sequence = 0;
      sender.generation++;
      sender.seal = new PacketSeal(key);
    },
    give: (packet: Uint8Array) => machine.packet(packet, 0, packet.length),
    data(entry: number, symbol: number): Uint8Array {
      const packet = write(packetKind.data, entry, symbol, dataPacketBytes);
      packet.set(symbolOf(entry, symbol), headerBytes);
      return sealed(packet);
    },
    repair(entry: number, ...members: number[]): Uint8Array {
      const packet = write(packetKind.repair, entry, members.length, repairPacketBytes);
      writeMembers(packet, 0, members);
      const sum = packet.subarray(headerBytes + memberBytes);
      for (const member of members)
        for (const [at, byte] of symbolOf(entry, member).entries())
          sum[at] = (sum[at] as number) ^ byte;
      return sealed(packet);
    },
    sync(everyMs: number): Uint8Array {
      const packet = write(packetKind.sync, 0, 0, syncPacketBytes);
      writeReportEvery(packet, 0, everyMs);
      return sealed(packet);
    },
    /** Takes what is complete, and checks it. */
    completed: (): number[] =>
      machine.completed.splice(0).map(({ entryIndex, offset, storedLength }) => {
        const stored = slab.subarray(offset, offset + storedLength);
        assert.equal(Buffer.compare(stored, storedOf(entryIndex)), 0, `entry ${entryIndex}`);
        return entryIndex;
      }),
    report(): CastReport {
      now += 3001;
      const payload = machine.report(millis(now));
      assert(payload !== null, "a report is due");
      const decoded = decodeReport(payload, symbolCounts);
      assert(decoded.ok);
      return decoded.value;
    },
  };
}

test("an entry is complete with its last symbol, in any order, and only once", () => {
  const { give, data, completed, machine } = open();
  for (const symbol of [2, 0, 3, 0]) give(data(0, symbol));
  assert.deepEqual(completed(), []);
  give(data(0, 1));
  assert.deepEqual(completed(), [0]);
  for (const symbol of [0, 1, 2, 3]) give(data(0, symbol));
  machine.settle(0, "taken");
  for (const symbol of [0, 1, 2, 3]) give(data(0, symbol));
  assert.deepEqual(completed(), []);
});

test("repairs fill what lacks: alone, and out of a sum; a sum with two unknowns waits for better", () => {
  const { give, data, repair, completed, report } = open();
  for (const symbol of [0, 1, 4, 5, 6, 7, 8, 9, 10]) give(data(3, symbol));
  give(repair(3, 2, 3));
  assert.deepEqual([...(report().assembling[0]?.lacking ?? [])], [2, 3, 11]);
  give(repair(3, 0, 3, 7));
  give(repair(3, 2));
  give(repair(3, 5, 11));
  assert.deepEqual(completed(), [3]);
});

test("a repair begins no entry, and an entry is not begun from its end", () => {
  const { give, data, repair, report } = open();
  give(repair(3, 0));
  for (let symbol = 9; symbol < 12; symbol++) give(data(3, symbol));
  assert.deepEqual(report().assembling, []);
});

test("with no slot free a new entry passes by, and is taken when one is free", () => {
  const { give, data, completed, machine, report } = open(1);
  give(data(3, 0));
  give(data(1, 0));
  assert.deepEqual(completed(), []);
  assert.equal(report().freeSlots, 0);
  for (let symbol = 1; symbol < 12; symbol++) give(data(3, symbol));
  assert.deepEqual(completed(), [3]);
  give(data(1, 0));
  assert.deepEqual(completed(), [], "in hand is not on the disk");
  machine.settle(3, "taken");
  give(data(1, 0));
  assert.deepEqual(completed(), [1]);
});

test("what turns out to be corrupt is wanted again, and comes again", () => {
  const { give, data, completed, machine, report } = open();
  give(data(1, 0));
  assert.deepEqual(completed(), [1]);
  assert.equal(report().wants?.[0], 0b1_1001);
  machine.settle(1, "corrupt");
  const { wants, settled } = report();
  assert.equal(wants?.[0], 0b1_1011);
  assert.deepEqual(settled, [{ entryIndex: 1, wanted: true }]);
  give(data(1, 0));
  assert.deepEqual(completed(), [1]);
});

test("what came another way is forgotten, its slot is free, and it is said", () => {
  const { give, data, completed, machine, report } = open(1);
  give(data(3, 0));
  machine.forget(3);
  const { settled, freeSlots, assembling } = report();
  assert.deepEqual(settled, [{ entryIndex: 3, wanted: false }]);
  assert.equal(freeSlots, 1);
  assert.deepEqual(assembling, []);
  for (let symbol = 0; symbol < 12; symbol++) give(data(3, symbol));
  assert.deepEqual(completed(), []);
});

const nextKey = new Uint8Array(8).fill(9);

test("a sender with another key is another numbering, and nothing of the one before is kept in parts", () => {
  const { give, data, machine, rekey, report, completed } = open();
  assert.equal(report().heard, null);
  for (const symbol of [0, 1, 2, 3]) give(data(0, symbol));
  for (const symbol of [0, 1, 2]) give(data(4, symbol));
  const late = data(4, 3);
  assert.deepEqual(report().heard, { generation: 5, sequence: 7 });
  assert.equal(machine.rekey(nextKey, millis(3001)), 1);
  rekey(nextKey);
  give(data(3, 0));
  const { heard, packets, assembling, wants } = report();
  assert.deepEqual(heard, { generation: 6, sequence: 1 });
  assert.equal(packets, 1);
  assert.deepEqual(
    assembling.map(({ entryIndex }) => entryIndex),
    [3],
  );
  assert.deepEqual(wants, Uint8Array.of(0b1_1010), "what is whole is kept");
  give(late);
  for (const symbol of [0, 1, 2, 3]) give(data(4, symbol));
  assert.deepEqual(
    machine.completed.map(({ entryIndex, keyNumber }) => [entryIndex, keyNumber]),
    [
      [0, 0],
      [4, 1],
    ],
  );
  assert.deepEqual(completed(), [0, 4]);
  assert.deepEqual(machine.stats().packetsForged, 0, "a late one is not forged");
  assert.equal(machine.stats().packetsLost, 0);
});

test("the key before is good for two seconds after the next one came, and for no longer", () => {
  const { give, data, machine, report } = open();
  give(data(0, 0));
  machine.rekey(nextKey, millis(0));
  machine.report(millis(1900));
  give(data(0, 1));
  assert.equal(machine.stats().packets, 2);
  machine.report(millis(2100));
  give(data(0, 2));
  assert.equal(machine.stats().packets, 2);
  assert.equal(machine.stats().packetsForged, 1);
  assert.equal(report().heard?.sequence, 2);
});

test("a packet that is not sealed with the key does nothing and is counted, whatever it says", () => {
  const { give, data, repair, sync, machine, report, completed } = open();
  for (const symbol of [0, 1, 2]) give(data(0, symbol));
  const before = report();
  const forged = [data(0, 3), repair(0, 3), sync(20), data(4, 0)];
  for (const packet of forged) {
    for (const at of [2, 13, packet.length - 1]) {
      const changed = new Uint8Array(packet);
      changed[at] = (changed[at] as number) ^ 0x40;
      give(changed);
    }
  }
  assert.deepEqual(completed(), []);
  const { number, ...after } = report();
  assert.deepEqual({ ...after, number: number - 1 }, { ...before, wants: after.wants });
  assert.deepEqual(machine.stats().packetsForged, forged.length * 2);
  assert.equal(machine.stats().packetsIgnored, 0);
  assert.equal(machine.stats().packetsLost, 0);
});

test("packets that come before their key are not taken for forged; those whose key never comes are", () => {
  const { give, data, machine, rekey } = open();
  give(data(0, 0));
  rekey(nextKey);
  for (let count = 0; count < 5; count++) give(data(0, 1));
  machine.report(millis(300));
  assert.equal(machine.stats().packetsForged, 0);
  machine.rekey(nextKey, millis(400));
  give(data(0, 1));
  machine.report(millis(40_000));
  assert.equal(machine.stats().packetsForged, 0);
  rekey(new Uint8Array(8).fill(77));
  for (let count = 0; count < 5; count++) give(data(0, 2));
  machine.report(millis(41_000));
  assert.equal(machine.stats().packetsForged, 0);
  machine.report(millis(80_000));
  assert.equal(machine.stats().packetsForged, 5);
});

test("a sync that comes again does not set back how often to report", () => {
  const { give, data, sync, machine } = open();
  machine.report(millis(0));
  const old = sync(1000);
  give(old);
  give(sync(20));
  give(old);
  give(data(0, 0));
  assert.equal(machine.deadline, 20);
});

test("a gap of thousands of packets is a loss of thousands", () => {
  const { give, data, sync, report } = open();
  give(data(0, 0));
  for (let lost = 0; lost < 3000; lost++) sync(20);
  give(data(0, 2));
  const { heard, packets } = report();
  assert.equal(heard?.sequence, 3002);
  assert.equal(packets, 2);
});

test("gaps in the sequence are losses, less what this host dropped itself", () => {
  const { give, data, machine } = open();
  give(data(0, 0));
  for (let lost = 0; lost < 5; lost++) data(0, 1);
  give(data(0, 2));
  assert.equal(machine.stats().packetsLost, 5);
  machine.noteDropped(2);
  assert.equal(machine.stats().packetsLost, 3);
  assert.equal(machine.stats().packetsDropped, 2);
});

test("the sender says how often to report", () => {
  const { give, sync, machine } = open();
  machine.report(millis(0));
  give(sync(20));
  assert.equal(machine.deadline, 20);
  give(sync(0));
  assert.equal(machine.deadline, 5, "never without a pause");
});

test("foreign and malformed packets are counted and do nothing", () => {
  const { give, data, repair, completed, machine, sealed } = open();
  const foreign = data(1, 0);
  foreign[4] = 1;
  const beyond = data(1, 0);
  beyond[8] = 5;
  sealed(foreign);
  sealed(beyond);
  const bad = [foreign, beyond, data(1, 0).subarray(1), new Uint8Array(0), data(0, 4)];
  for (const packet of bad) give(packet);
  assert.equal(machine.stats().packetsIgnored, bad.length);
  give(data(0, 0));
  give(repair(0, 2, 1));
  assert.equal(machine.stats().packetsIgnored, bad.length + 1);
  assert.deepEqual(completed(), []);
});

test("fuzz: whatever comes with the right seal never ends it, and completes nothing that lacks a symbol", () => {
  const random = seeded(77);
  const { machine } = open(2);
  const packet = new Uint8Array(packetLimit);
  const seal = new PacketSeal(packetKey);
  const seen = new Map<number, number>();
  const lengths = [dataPacketBytes, repairPacketBytes, syncPacketBytes];
  for (let round = 0; round < 20_000; round++) {
    const kind = Math.floor(random() * 4);
    const symbol = Math.floor(random() * (random() < 0.7 ? 13 : 1024));
    const entryIndex = Math.floor(random() * (random() < 0.9 ? 6 : 2 ** 32));
    const sequence = Math.floor(random() * 2 ** 32);
    for (let at = headerBytes; at < 80; at++) packet[at] = random() * (random() < 0.5 ? 3 : 256);
    writeHeader(packet, 0, { kind, symbol, generation: 5, tag, entryIndex, sequence });
    const length =
      random() < 0.8 ? (lengths[kind] ?? 100) : Math.floor(random() * (packetLimit + 1));
    if (length >= headerBytes + sealBytes) seal.write(packet, 0, length & ~3);
    machine.packet(packet, 0, length);
    if (kind === packetKind.data) seen.set(entryIndex, (seen.get(entryIndex) ?? 0) + 1);
    if (round % 50 === 0) machine.report(millis(round * 100));
    for (const completed of machine.completed.splice(0)) {
      const { entryIndex: entry, storedLength, offset } = completed;
      assert.equal(storedLength, storedLengths[entry]);
      assert(offset + storedLength <= slabBytesFor(storedLengths, 2));
      assert((seen.get(entry) ?? 0) > 0);
      machine.settle(entry, random() < 0.5 ? "corrupt" : "taken");
    }
  }
  assert(machine.stats().packetsIgnored > 1000);
});
