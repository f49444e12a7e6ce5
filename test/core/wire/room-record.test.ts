/** The record of a room is read as anything that comes from outside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type RoomRecordDocument,
  readRoomRecord,
  roomRecordLimit,
  withoutHostKeys,
} from "../../../core/wire/room-record.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { hello } from "../../server/lab/hello.ts";
import { seeded } from "../../sim/random.ts";

const { type: _, state: __, report: ___, ...described } = hello("52:54:00:00:00:01");
const time = "2026-11-29T01:02:03.000Z";
const record: RoomRecordDocument = {
  ...{
    version: 1,
    name: "lab1",
    settings: roomDefaults,
    instructorPin: null,
    lacksHostKeys: false,
  },
  pin: { salt: "00".repeat(16), hash: "11".repeat(32) },
  seats: [{ name: "s1", column: 0, row: 0 }],
  pcs: [
    {
      ...{ id: "p-00000001", name: "lab1-s1", seat: "s1", hello: described, lastSeen: time },
      ...{ macs: ["52:54:00:00:00:01"], nextBoot: "room", address: "10.0.0.1/24" },
      fields: { asset: "1" },
      key: {
        ...{ kind: "tpm", spki: Buffer.alloc(91).toString("base64"), state: "placed" },
        ...{ since: time, by: "ada", pcrDigest: "ab".repeat(32) },
      },
      hostKeys: [{ type: "ed25519", privateKey: "private", publicKey: "public" }],
    },
  ],
  schedules: [
    {
      ...{ cron: "30 6 * * 1-5", timeZone: null, image: "win11", delta: false, wakeSeconds: 300 },
      ...{ afterwards: "poweroff", personalise: "auto", fit: "auto", operator: "ada" },
      ...{ createdAt: time, last: null },
    },
  ],
};

test("what was written is read, and what is secret can be left out", () => {
  const read = readRoomRecord(JSON.stringify(record));
  assert.deepEqual(read, { ok: true, value: { record, unknownSettings: [] } });
  const open = withoutHostKeys(record);
  assert.doesNotMatch(JSON.stringify(open), /private/);
  assert.equal(open.lacksHostKeys, true);
  assert.equal(withoutHostKeys(open).lacksHostKeys, false);
});

test("a newer roomcast's additions are left out and told, an older one's gaps are as in a new room", () => {
  const { grow: _grow, ...older } = roomDefaults;
  const text = JSON.stringify({ ...record, more: 1, settings: { ...older, glow: true } });
  const read = readRoomRecord(text);
  assert(read.ok);
  assert.deepEqual(read.value.unknownSettings, ["glow"]);
  assert.deepEqual(read.value.record, record);
  for (const version of [0, 2, "1", null])
    assert.equal(readRoomRecord(JSON.stringify({ ...record, version })).ok, false);
});

test("all text is printable, but for private keys, which have lines", () => {
  const [pc] = record.pcs;
  assert(pc !== undefined);
  const hostKeys = [{ type: "rsa" as const, privateKey: "a\nb", publicKey: "c" }];
  const odd = { ...pc, hostKeys, hello: { ...pc.hello, agentVersion: "\u001b[2J\u202e1" } };
  const read = readRoomRecord(JSON.stringify({ ...record, pcs: [odd] }));
  assert(read.ok);
  const [found] = read.value.record.pcs;
  assert.equal(found?.hello.agentVersion.includes("\u001b"), false);
  assert.equal(found?.hello.agentVersion.includes("\u202e"), false);
  assert.deepEqual(found?.hostKeys, hostKeys);
});

test("what is too much, or there twice, is refused", () => {
  const [pc] = record.pcs;
  assert(pc !== undefined);
  const refused = (more: object): string => {
    const read = readRoomRecord(JSON.stringify({ ...record, ...more }));
    return read.ok ? "read" : read.reason;
  };
  const { key } = pc;
  const other = { ...pc, id: "p-2", name: "b", seat: null, key: null };
  assert.equal(refused({ pcs: [pc, other] }), "read");
  assert.match(refused({ pcs: [pc, { ...other, id: pc.id }] }), /one id/);
  assert.match(refused({ pcs: [pc, { ...other, name: "LAB1-S1" }] }), /one name/);
  assert.match(refused({ pcs: [pc, { ...other, key }] }), /one key/);
  assert.match(refused({ pcs: [pc, { ...other, seat: "s1" }] }), /one seat/);
  assert.match(refused({ seats: [...record.seats, ...record.seats] }), /two seats/);
  assert.match(refused({ pcs: [{ ...pc, name: "a b" }] }), /name/);
  assert.notEqual(refused({ pcs: [{ ...pc, key: { ...key, spki: "AAAA" } }] }), "read");
  assert.notEqual(refused({ seats: Array(1001).fill(record.seats[0]) }), "read");
  assert.match(refused({ seats: "x".repeat(roomRecordLimit) }), /too long/);
  assert.notEqual(refused({ settings: { ...roomDefaults, diskSeconds: 0 } }), "read");
});

test("fuzz: whatever the text is, it is read or refused, and what is read is within the bounds", () => {
  const random = seeded(7);
  const below = (limit: number): number => Math.floor(random() * limit);
  const text = JSON.stringify(record);
  const pieces = [
    "null",
    "{}",
    "[]",
    '"',
    "\\u0000",
    "-1",
    "1e999",
    "{",
    "}",
    ",",
    '"__proto__":{}',
  ];
  let read = 0;
  for (let round = 0; round < 600; round++) {
    let damaged = text;
    for (let left = 1 + below(3); left > 0; left--) {
      const at = below(damaged.length);
      const until = at + below(random() < 0.5 ? 3 : 80);
      const put =
        random() < 0.5
          ? pieces[below(pieces.length)]
          : damaged.slice(below(damaged.length)).slice(0, below(60));
      damaged = `${damaged.slice(0, at)}${put}${damaged.slice(until)}`;
    }
    const found = readRoomRecord(damaged);
    if (!found.ok) {
      assert(found.reason.length > 0 && found.reason.length < 2000);
      continue;
    }
    read++;
    assert(readRoomRecord(JSON.stringify(found.value.record)).ok, damaged);
  }
  // Noise alone would prove nothing.
  assert(read > 5, `${read}`);
});
