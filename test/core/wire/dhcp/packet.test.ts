import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseMac } from "../../../../core/units/mac.ts";
import {
  addressOption,
  type DhcpPacket,
  decodeDhcp,
  encodeDhcp,
  messageType,
  textOption,
} from "../../../../core/wire/dhcp/packet.ts";
import { bytesOf, decoded, goldenPackets, hexOf, text, typeNumber } from "../../boot/golden.ts";

const mac = parseMac("52:54:00:7e:00:01") as NonNullable<ReturnType<typeof parseMac>>;

const packet = (options: Iterable<readonly [number, Uint8Array]> = []): DhcpPacket => ({
  op: 1,
  xid: 0xfedcba98,
  secs: 0x1234,
  broadcast: true,
  ciaddr: "10.0.0.1",
  yiaddr: "192.168.255.254",
  siaddr: "255.255.255.255",
  giaddr: "0.0.0.0",
  mac,
  sname: "server",
  file: "undionly.kpxe",
  options: new Map(options),
});

/** A message without options, to put raw ones behind. */
function raw(
  optionBytes: readonly number[],
  file: readonly number[] = [],
  sname: readonly number[] = [],
) {
  const bytes = new Uint8Array(240 + optionBytes.length);
  bytes.set(encodeDhcp({ ...packet(), file: "", sname: "" }).subarray(0, 240));
  bytes.set(sname, 44);
  bytes.set(file, 108);
  bytes.set(optionBytes, 240);
  return bytes;
}

test("each golden packet: type, MAC and every option as they were split out on capture", () => {
  assert.equal(goldenPackets.length, 88);
  for (const golden of goldenPackets) {
    const value = decoded(bytesOf(golden));
    assert.equal(messageType(value), typeNumber(golden));
    assert.equal(value.mac, mac);
    const options = [...value.options].map(([code, bytes]) => [String(code), hexOf(bytes)]);
    assert.deepEqual(Object.fromEntries(options), golden.options);
  }
});

test("each golden packet survives decoding and encoding", () => {
  for (const golden of goldenPackets) {
    const value = decoded(bytesOf(golden));
    assert.deepEqual(decoded(encodeDhcp(value)), value);
  }
});

test("the fixed fields lie where RFC 2131 section 2 puts them", () => {
  const bytes = encodeDhcp(packet());
  assert.equal(hexOf(bytes.subarray(0, 12)), "01010600fedcba9812348000");
  assert.equal(hexOf(bytes.subarray(12, 28)), "0a000001c0a8fffeffffffff00000000");
  assert.equal(hexOf(bytes.subarray(28, 44)), `5254007e0001${"00".repeat(10)}`);
  assert.deepEqual(bytes.subarray(44, 51), text("server\0"));
  assert.deepEqual(bytes.subarray(108, 122), text("undionly.kpxe\0"));
  assert.equal(hexOf(bytes.subarray(236, 241)), "63825363ff");
  assert.equal(bytes.length, 300, "BOOTP's shortest message");
});

test("an option of more than 255 bytes goes in parts and comes back whole (RFC 3396)", () => {
  for (const length of [0, 1, 255, 256, 510, 511, 1000]) {
    const value = Uint8Array.from({ length }, (_, index) => index & 255);
    const bytes = encodeDhcp(packet([[43, value]]));
    assert.deepEqual(decoded(bytes).options.get(43), value, `${length} bytes`);
    if (length === 256) assert.equal(bytes[240 + 257 + 1], 1, "the second part holds one byte");
  }
});

test("options overloaded into file and sname follow those of the field itself (RFC 2132 9.3)", () => {
  const overload = (value: number) => [52, 1, value];
  const inFile = [12, 2, 0x66, 0x31, 255];
  const inSname = [12, 2, 0x73, 0x31, 255];
  const own = [12, 1, 0x6f];
  const hostOf = (value: number): string | undefined =>
    textOption(decoded(raw([...overload(value), ...own, 255], inFile, inSname)), 12);
  assert.equal(hostOf(1), "of1");
  assert.equal(hostOf(2), "os1");
  assert.equal(hostOf(3), "of1s1", "file before sname (RFC 3396 section 5)");
  assert.equal(textOption(decoded(raw([...own, 255], inFile, inSname)), 12), "o", "only if said");
  const overloaded = decoded(raw([...overload(3), 255], inFile, inSname));
  assert.deepEqual([overloaded.file, overloaded.sname], ["", ""], "they are no names then");
});

test("padding, a missing end mark and empty options are in order", () => {
  assert.equal(messageType(decoded(raw([0, 0, 53, 1, 3, 0]))), 3);
  assert.deepEqual(decoded(raw([80, 0, 255])).options.get(80), new Uint8Array());
});

test("what is no message says why", () => {
  const reason = (bytes: Uint8Array): string => {
    const result = decodeDhcp(bytes);
    assert(!result.ok);
    return result.reason;
  };
  const whole = raw([53, 1, 1, 255]);
  assert.equal(reason(new Uint8Array()), "truncated");
  assert.equal(reason(whole.subarray(0, 239)), "truncated");
  assert.equal(reason(whole.with(236, 0)), "no magic cookie");
  assert.equal(reason(whole.with(0, 3)), "neither request nor reply");
  assert.equal(reason(whole.with(2, 16)), "not Ethernet");
  assert.equal(reason(raw([53, 2, 1])), "cut option");
  assert.equal(reason(raw([53])), "cut option");
  assert.equal(reason(raw([52, 1, 1, 255], [...Array(126).fill(0), 12, 1])), "cut option in file");
  assert.equal(reason(raw([52, 1, 2, 255], [], [12, 200])), "cut option in sname");
});

test("an address option of another length than 4 is none", () => {
  const value = packet([
    [50, Uint8Array.of(10, 0, 0, 9)],
    [54, Uint8Array.of(10, 0, 0)],
  ]);
  assert.equal(addressOption(value, 50), "10.0.0.9");
  assert.equal(addressOption(value, 54), undefined);
});

const byte = fc.integer({ min: 0, max: 255 });
const quad = fc.tuple(byte, byte, byte, byte).map((parts) => parts.join("."));
const ascii = (maxLength: number) => fc.string({ maxLength, unit: fc.constantFrom(..."ab/.:-1") });
const anyPacket: fc.Arbitrary<DhcpPacket> = fc.record(
  {
    op: fc.constantFrom(1 as const, 2 as const),
    xid: fc.integer({ min: 0, max: 0xffffffff }),
    secs: fc.integer({ min: 0, max: 0xffff }),
    broadcast: fc.boolean(),
    ciaddr: quad,
    yiaddr: quad,
    siaddr: quad,
    giaddr: quad,
    mac: fc.constant(mac),
    sname: ascii(63),
    file: ascii(127),
    options: fc
      .array(
        fc.tuple(
          fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52),
          fc.uint8Array({ maxLength: 600 }),
        ),
        { maxLength: 8 },
      )
      .map((entries) => new Map(entries)),
  },
  { noNullPrototype: true },
);

test("any message comes back as it went", () => {
  fc.assert(fc.property(anyPacket, (value) => assert.deepEqual(decoded(encodeDhcp(value)), value)));
});

test("no bytes make the decoder throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void decodeDhcp(bytes)));
  const damaged = fc.tuple(
    fc.constantFrom(...goldenPackets.map(bytesOf)),
    fc.array(fc.tuple(fc.nat(420), byte), { minLength: 1, maxLength: 8 }),
    fc.nat(420),
  );
  let readable = 0;
  fc.assert(
    fc.property(damaged, ([bytes, changes, length]) => {
      const copy = bytes.slice(0, Math.max(200, length));
      for (const [offset, value] of changes) if (offset < copy.length) copy[offset] = value;
      if (decodeDhcp(copy).ok) readable++;
    }),
    { numRuns: 2000 },
  );
  assert(readable > 20, "the damage must not be so coarse that nothing is read");
});
