import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chunkBytes } from "../../../core/units/units.ts";
import {
  castVersion,
  dataPacketBytes,
  emptyHeader,
  memberLimit,
  packetKind,
  packetLimit,
  readHeader,
  readMembers,
  readReportEvery,
  repairPacketBytes,
  sequenceDistance,
  symbolBytes,
  symbolCountOf,
  syncPacketBytes,
  writeHeader,
  writeMembers,
  writeReportEvery,
} from "../../../core/wire/cast.ts";

const symbolLimit = symbolCountOf(chunkBytes);

const lengths = [dataPacketBytes, repairPacketBytes, syncPacketBytes];
const header = {
  kind: packetKind.data as number,
  symbol: 0x2a5,
  generation: 0xbeef,
  tag: 0x0403_0201,
  entryIndex: 0x0807_0605,
  sequence: 0xfffe_fdfc,
};

test("a header is these bytes", () => {
  const packet = new Uint8Array(dataPacketBytes);
  writeHeader(packet, 0, header);
  assert.equal(
    Buffer.from(packet.subarray(0, 16)).toString("hex"),
    "a522efbe0102030405060708fcfdfeff",
  );
  const read = emptyHeader();
  assert(readHeader(packet, 0, packet.length, read));
  assert.deepEqual(read, header);
});

test("a repair names its members in ten bits each", () => {
  const packet = new Uint8Array(repairPacketBytes);
  const members = [0, 1, 512, 744];
  writeHeader(packet, 0, { ...header, kind: packetKind.repair, symbol: members.length });
  writeMembers(packet, 0, members);
  // 0 | 1 << 10 | 512 << 20 | 744 << 30, the lowest bits first.
  assert.equal(
    Buffer.from(packet.subarray(16, 60)).toString("hex").replace(/0+$/, ""),
    "00040020ba",
  );
  const read = new Uint16Array(memberLimit);
  assert(readMembers(packet, 0, members.length, symbolLimit, read));
  assert.deepEqual([...read.subarray(0, 4)], members);
});

test("a sync says how often to report", () => {
  const packet = new Uint8Array(syncPacketBytes);
  writeHeader(packet, 0, { ...header, kind: packetKind.sync, symbol: 0, entryIndex: 0 });
  writeReportEvery(packet, 0, 300);
  assert.equal(Buffer.from(packet.subarray(16)).toString("hex"), "2c01000000000000");
  assert.equal(readReportEvery(packet, 0), 300);
});

test("the largest packet fills an Ethernet frame, and a chunk's symbols fit their numbers", () => {
  assert.equal(Math.max(...lengths), packetLimit);
  assert.equal(symbolLimit, 745);
  assert(symbolLimit < 1024);
  assert.equal(symbolCountOf(symbolBytes), 1);
  assert.equal(symbolCountOf(symbolBytes + 1), 2);
});

test("another version, kind or length is refused", () => {
  const packet = new Uint8Array(packetLimit);
  const read = emptyHeader();
  for (const [kind, length] of lengths.entries()) {
    writeHeader(packet, 0, { ...header, kind, symbol: 3 });
    assert(readHeader(packet, 0, length, read), `kind ${kind}`);
    for (const wrong of [0, 15, length - 1, length + 1])
      assert(!readHeader(packet, 0, wrong, read), `kind ${kind}, ${wrong} bytes`);
    packet[1] = ((packet[1] as number) & 0x0f) | ((castVersion + 1) << 4);
    assert(!readHeader(packet, 0, length, read), "version");
  }
  writeHeader(packet, 0, { ...header, kind: 3 });
  for (const length of lengths) assert(!readHeader(packet, 0, length, read), "kind 3");
  for (const symbol of [0, memberLimit + 1]) {
    writeHeader(packet, 0, { ...header, kind: packetKind.repair, symbol });
    assert(!readHeader(packet, 0, repairPacketBytes, read), `${symbol} members`);
  }
  writeHeader(packet, 0, header);
  assert(!readHeader(packet.subarray(0, 100), 0, dataPacketBytes, read), "beyond the buffer");
});

test("members that do not ascend, or are not of the entry, are refused", () => {
  const packet = new Uint8Array(repairPacketBytes);
  const read = new Uint16Array(memberLimit);
  for (const members of [
    [5, 5],
    [6, 5],
    [1, 20],
  ]) {
    writeMembers(packet, 0, members);
    assert(!readMembers(packet, 0, members.length, 20, read), `${members}`);
  }
  assert(readMembers(packet, 0, 2, 21, read));
});

test("sequence numbers are compared across the end of their range", () => {
  assert.equal(sequenceDistance(5, 3), 2);
  assert.equal(sequenceDistance(3, 5), -2);
  assert.equal(sequenceDistance(1, 0xffff_ffff), 2);
  assert.equal(sequenceDistance(0xffff_ffff, 1), -2);
});

test("what is written is read again", () => {
  const number = (most: number) => fc.integer({ min: 0, max: most });
  fc.assert(
    fc.property(
      fc.record({
        generation: number(0xffff),
        tag: number(0xffff_ffff),
        entryIndex: number(0xffff_ffff),
        sequence: number(0xffff_ffff),
      }),
      fc.uniqueArray(number(symbolLimit - 1), {
        minLength: 1,
        maxLength: memberLimit,
      }),
      number(7),
      (fields, unsorted, at) => {
        const members = unsorted.toSorted((one, other) => one - other);
        const packet = new Uint8Array(at + repairPacketBytes);
        const written = { ...fields, kind: packetKind.repair, symbol: members.length };
        writeHeader(packet, at, written);
        writeMembers(packet, at, members);
        const read = emptyHeader();
        assert(readHeader(packet, at, repairPacketBytes, read));
        assert.deepEqual(read, written);
        const found = new Uint16Array(memberLimit);
        assert(readMembers(packet, at, members.length, symbolLimit, found));
        assert.deepEqual([...found.subarray(0, members.length)], members);
      },
    ),
  );
});

test("fuzz: any bytes are refused, or read within their range", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 0, maxLength: packetLimit + 8 }),
      fc.constantFrom(...lengths, null),
      fc.constantFrom(null, 0x10, 0x14, 0x18),
      fc.integer({ min: 1, max: 1023 }),
      (bytes, length, first, symbolCount) => {
        const packet = new Uint8Array(length ?? bytes.length);
        packet.set(bytes.subarray(0, packet.length));
        if (first !== null && packet.length > 1) packet[1] = first;
        const read = emptyHeader();
        if (!readHeader(packet, 0, packet.length, read)) return;
        assert.equal(packet.length, lengths[read.kind]);
        if (read.kind !== packetKind.repair) return;
        const members = new Uint16Array(memberLimit);
        if (!readMembers(packet, 0, read.symbol, symbolCount, members)) return;
        const found = [...members.subarray(0, read.symbol)];
        assert(
          found.every((member, place) => member < symbolCount && member > (found[place - 1] ?? -1)),
        );
      },
    ),
    { numRuns: 5000 },
  );
});
