/** The sender's machine against a receiver's, packet by packet, with no wire between them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { unknownLength } from "../../../core/cast/entries.ts";
import { CastReceiverMachine } from "../../../core/cast/receiver.ts";
import { CastSenderMachine } from "../../../core/cast/sender.ts";
import { slabBytesFor } from "../../../core/cast/slab.ts";
import { millis } from "../../../core/units/units.ts";
import {
  dataPacketBytes,
  emptyHeader,
  type PacketHeader,
  packetKind,
  packetLimit,
  readHeader,
  symbolBytes,
} from "../../../core/wire/cast.ts";
import { packetKey } from "./keys.ts";

const tag = 7;
/** Five entries of 10 symbols, one without stored bytes between them. */
const storedLengths = Uint32Array.of(14_000, 14_000, 0, 14_080, 13_999, 14_000);
const symbolCount = 10;
const all = Uint8Array.of(0b11_1011);

function open(known = storedLengths) {
  let now = 0;
  const sender = new CastSenderMachine(
    {
      ...{ tag, generation: 99, packetKey, storedLengths: known, linkBps: 1e9 },
      ...{ rateLimitBps: null, makeSlab: (byteCount) => new Uint8Array(byteCount) },
    },
    millis(now),
  );
  const batch = new Uint8Array(packetLimit * 44);
  const sent: PacketHeader[] = [];
  const receivers = new Map<number, { machine: CastReceiverMachine; taken: Set<number> }>();
  /** Everything that goes out, after `filter`, reaches every receiver; each reports when it wants to. */
  const step = (filter: (header: PacketHeader, receiver: number) => boolean = () => true): void => {
    now += 1;
    sender.tick(millis(now));
    for (;;) {
      for (const entry of sender.takeReads()) {
        const stored = new Uint8Array(storedLengths[entry] as number).fill(entry + 1);
        const isRight = sender.supplyEntry(entry, stored.length, (into) => into.set(stored));
        assert(isRight, "it is as long as the index says");
      }
      const count = sender.fill(batch, 44, millis(now));
      if (count === 0) break;
      for (let index = 0; index < count; index++) {
        const header = emptyHeader();
        const at = index * sender.packetBytes;
        assert(readHeader(batch, at, sender.packetBytes, header), "it is a packet");
        sent.push(header);
        for (const [id, { machine }] of receivers)
          if (filter(header, id)) machine.packet(batch, at, sender.packetBytes);
      }
    }
    for (const [id, { machine, taken }] of receivers) {
      for (const { entryIndex } of machine.completed.splice(0)) {
        taken.add(entryIndex);
        machine.settle(entryIndex, "taken");
      }
      const report = machine.report(millis(now));
      if (report !== null) sender.report(id, report, millis(now));
    }
  };
  return {
    sender,
    sent,
    step,
    get now() {
      return millis(now);
    },
    join(id: number, wants = all, coming: number | null = null): Set<number> {
      const slotCount = 4;
      const slab = new Uint8Array(slabBytesFor(known, slotCount));
      const taken = new Set<number>();
      const machine = new CastReceiverMachine(
        { tag, packetKey, storedLengths: known, wants, slotCount, slab },
        millis(now),
      );
      receivers.set(id, { machine, taken });
      sender.join(id, wants, millis(now), coming);
      return taken;
    },
    announce(entry: number): void {
      const storedLength = storedLengths[entry] as number;
      sender.announce(entry, storedLength);
      for (const { machine } of receivers.values()) machine.announce(entry, storedLength);
    },
    /** As the server does for one that joins. */
    tellKnown(id: number, entries: readonly number[]): void {
      for (const entry of entries)
        receivers.get(id)?.machine.announce(entry, storedLengths[entry] as number);
    },
    standing: (id: number) =>
      sender.stats(millis(now)).receivers.find(({ receiver }) => receiver === id),
    /** What the receiver's machine counts of it. */
    heard: (id: number) => receivers.get(id)?.machine.stats().heard,
    /** The sender has no processor for so long. */
    starve(ms: number): void {
      now += ms;
    },
    /** It is gone without a word. */
    kill: (id: number) => receivers.delete(id),
    run(steps: number, filter?: (header: PacketHeader, receiver: number) => boolean): void {
      for (let count = 0; count < steps; count++) step(filter);
    },
  };
}

const ofKind = (sent: readonly PacketHeader[], kind: number): PacketHeader[] =>
  sent.filter((header) => header.kind === kind);

test("with nobody there nothing is sent", () => {
  const room = open();
  room.run(5000);
  assert.equal(room.sent.length, 0);
});

test("one receiver without loss gets each symbol once, and no repair", () => {
  const room = open();
  const taken = room.join(1);
  room.run(300);
  assert.deepEqual([...taken].sort(), [0, 1, 3, 4, 5]);
  assert.equal(ofKind(room.sent, packetKind.data).length, 5 * symbolCount);
  assert.equal(ofKind(room.sent, packetKind.repair).length, 0);
  assert.equal(room.sender.stats(room.now).entriesOpen, 0);
  assert(14_080 === symbolCount * symbolBytes, "an entry that fills its last symbol is among them");
});

test("sequence numbers count every packet, from one", () => {
  const room = open();
  room.join(1);
  room.run(300);
  assert.deepEqual(
    room.sent.map(({ sequence }) => sequence),
    room.sent.map((_, index) => index + 1),
  );
});

test("different losses of two receivers are repaired by one packet, after both have reported", () => {
  const room = open();
  const both = [room.join(1), room.join(2)];
  const isLost = ({ kind, entryIndex, symbol }: PacketHeader, receiver: number): boolean =>
    kind === packetKind.data && entryIndex === 3 && symbol === receiver * 3;
  room.run(600, (header, receiver) => !isLost(header, receiver));
  for (const taken of both) assert.equal(taken.size, 5);
  const repairs = ofKind(room.sent, packetKind.repair);
  assert.deepEqual(
    repairs.map(({ entryIndex, symbol }) => [entryIndex, symbol]),
    [[3, 2]],
  );
});

test("a repair that is lost too is sent again, and no more often than it is lost", () => {
  const room = open();
  const taken = room.join(1);
  let lost = 0;
  const isIt = ({ kind, entryIndex, symbol }: PacketHeader): boolean =>
    kind === packetKind.data && entryIndex === 0 && symbol === 4;
  room.run(1500, (header) => !isIt(header) || ++lost > 4);
  assert.equal(taken.size, 5);
  assert.equal(room.sent.filter(isIt).length, 5);
  assert.equal(room.sender.stats(room.now).repairBytes, 4 * dataPacketBytes);
});

test("a cast begins once those who are coming have joined and hear it, and waits 320 ms for one that does not come", () => {
  const room = open();
  room.join(1, all, 1);
  room.run(100);
  assert.equal(ofKind(room.sent, packetKind.data).length, 0);
  room.join(2, all, 0);
  while (ofKind(room.sent, packetKind.data).length === 0 && room.now < 1000) room.run(1);
  assert(room.now > 100 && room.now < 130, `it began at ${room.now} ms`);
  const other = open();
  other.join(1, all, 1);
  while (ofKind(other.sent, packetKind.data).length === 0 && other.now < 1000) other.run(1);
  assert(other.now >= 320 && other.now < 340, `it began at ${other.now} ms`);
});

test("a single symbol is repaired as data only where nobody could begin the entry with it", () => {
  const room = open();
  const both = [room.join(1), room.join(2)];
  let isLate = true;
  room.run(600, ({ kind, entryIndex, symbol }, receiver) => {
    if (entryIndex !== 3 || !isLate) return true;
    if (kind === packetKind.repair) isLate = false;
    return receiver === 1 && symbol !== 4;
  });
  for (const taken of both) assert.equal(taken.size, 5);
  const ofEntry = room.sent.filter(({ entryIndex }) => entryIndex === 3);
  const repairAt = ofEntry.findIndex(({ kind }) => kind === packetKind.repair);
  assert.equal(
    repairAt,
    symbolCount,
    "it is repaired for the first, and the second begins nothing",
  );
  assert.equal(ofEntry.length, 2 * symbolCount + 1);
});

test("a receiver that falls silent holds nobody up for more than half a second", () => {
  const room = open();
  room.join(1);
  const other = room.join(2);
  let isDead = false;
  const before = room.now;
  while (other.size < 5 && room.now - before < 3000) {
    // The dead one has parts of everything: its repairs would be waited for.
    room.run(1, ({ kind, symbol }, receiver) => receiver === 2 || kind !== 0 || symbol !== 1);
    if (!isDead && room.sent.length > 5) {
      room.kill(1);
      isDead = true;
    }
  }
  assert.equal(other.size, 5);
  assert(room.now - before < 500, `${room.now - before} ms`);
});

test("who leaves is not waited for, and its wants are gone", () => {
  const room = open();
  room.join(1);
  room.run(4);
  room.kill(1);
  room.sender.leave(1, room.now);
  assert.equal(room.sender.stats(room.now).entriesOpen, 0);
  const { length } = room.sent;
  room.run(2000);
  assert.equal(room.sender.entriesHeld, 0);
  assert.equal(room.sent.length, length);
});

test("wants are replaced by a second join: a PC that was started anew", () => {
  const room = open();
  room.join(1);
  room.run(300);
  const again = room.join(1, Uint8Array.of(0b1000));
  const before = ofKind(room.sent, packetKind.data).length;
  room.run(600);
  assert.deepEqual([...again], [3]);
  const later = ofKind(room.sent, packetKind.data).slice(before);
  assert.deepEqual([...new Set(later.map(({ entryIndex }) => entryIndex))], [3]);
});

test("reports that are malformed or of a stranger are counted and change nothing", () => {
  const room = open();
  const taken = room.join(1);
  room.sender.report(1, new Uint8Array(5), room.now);
  room.sender.report(1, new Uint8Array(200).fill(255), room.now);
  room.sender.report(77, new Uint8Array(28), room.now);
  assert.equal(room.sender.stats(room.now).framesIgnored, 3);
  room.run(300);
  assert.equal(taken.size, 5);
});

test("a live cast serves its entries as they are announced, to those who come late as well", () => {
  const room = open(new Uint32Array(storedLengths.length).fill(unknownLength));
  const everything = Uint8Array.of(0b11_1111);
  const first = room.join(1, everything);
  room.run(500);
  assert.equal(ofKind(room.sent, packetKind.data).length, 0);
  assert.equal(room.sender.stats(room.now).entriesOpen, 6);
  for (const entry of [0, 1, 2]) room.announce(entry);
  room.run(300);
  assert.deepEqual([...first], [0, 1]);
  const late = room.join(2, everything);
  // Who joins is told what is known already.
  room.tellKnown(2, [0, 1, 2]);
  room.run(300);
  for (const entry of [3, 4, 5]) room.announce(entry);
  room.run(600);
  assert.deepEqual([...first].sort(), [0, 1, 3, 4, 5]);
  assert.deepEqual([...late].sort(), [0, 1, 3, 4, 5]);
  assert.equal(room.sender.stats(room.now).entriesOpen, 0);
});

test("stored bytes of another length than the index says are refused", () => {
  const room = open();
  assert(!room.sender.supplyEntry(0, 13_000, () => assert.fail("nothing is written")));
});

test("a sender that had no processor for a while takes nobody for deaf, and tells nobody so", () => {
  const room = open();
  room.join(1);
  room.join(2);
  const onlyFirst = (_: PacketHeader, receiver: number): boolean => receiver === 1;
  room.run(700, onlyFirst);
  for (let turn = 0; turn < 5; turn++) {
    room.starve(1600);
    // Of what waits for it, it may take its own timer first.
    assert.equal(room.standing(1)?.hearing, "hears");
    assert.equal(room.standing(2)?.hearing, "unknown");
    assert.equal(room.standing(1)?.sent, null);
    room.run(300, onlyFirst);
    assert.equal(room.standing(1)?.hearing, "hears");
    assert.equal(room.standing(2)?.hearing, "unknown");
    assert.equal(room.standing(2)?.sent, null);
  }
  room.run(1700, onlyFirst);
  assert.equal(room.standing(2)?.hearing, "deaf");
  const heard = room.heard(1);
  const run = room.standing(1)?.sent;
  assert(heard !== null && heard !== undefined && run !== null && run !== undefined);
  assert.equal(run.generation, heard.generation);
  assert(run.from <= heard.sequence && run.from > 1, `${run.from} of ${heard.sequence}`);
});

test("who joins is told of nothing that was sent before its first report", () => {
  const room = open();
  room.join(1);
  room.run(3000);
  const before = room.heard(1)?.sequence ?? 0;
  room.join(2);
  room.run(700);
  assert.equal(room.standing(2)?.sent, null);
  room.run(400);
  assert((room.standing(2)?.sent?.from ?? 0) > before);
});

test("who reports but hears nothing is deaf within two seconds; who says nothing is silent", () => {
  const room = open();
  room.join(1);
  room.join(2);
  room.run(100, (_, receiver) => receiver === 1);
  assert.equal(room.standing(1)?.hearing, "hears");
  assert.equal(room.standing(2)?.hearing, "unknown");
  room.run(1900, (_, receiver) => receiver === 1);
  assert.equal(room.standing(1)?.hearing, "hears");
  assert.equal(room.standing(2)?.hearing, "deaf");
  assert.equal(room.standing(2)?.entriesWanted, 5);
  room.kill(1);
  room.run(3100, (_, receiver) => receiver === 1);
  assert.equal(room.standing(1)?.hearing, "silent");
});
