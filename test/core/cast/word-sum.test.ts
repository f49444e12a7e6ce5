import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import wabt from "wabt";
import {
  packetMemory,
  simdProgram,
  sumKeyWords,
  sumProgram,
  wordSum,
} from "../../../core/cast/word-sum.ts";
import { compiled } from "../../../core/units/web-assembly.ts";
import { headerBytes, packetLimit } from "../../../core/wire/cast.ts";
import { seeded } from "../../sim/random.ts";

test("the programs are what their texts assemble to", async () => {
  const { parseWat } = await wabt();
  const programs = { "word-sum.wat": sumProgram, "word-sum-simd.wat": simdProgram };
  for (const [name, program] of Object.entries(programs)) {
    const path = join(import.meta.dirname, "../../../core/cast", name);
    const { buffer } = parseWat(path, readFileSync(path, "utf8"), { simd: true }).toBinary({});
    assert.deepEqual(program, buffer, name);
  }
});

/** The same, word by word. */
function slowSum(packet: Uint8Array, key: Int32Array): bigint {
  const padded = new Uint8Array(Math.ceil(packet.length / 32) * 32);
  padded.set(packet);
  const view = new DataView(padded.buffer);
  const keyed = (index: number): bigint =>
    BigInt.asUintN(32, BigInt(view.getUint32(index * 4, true)) + BigInt(key[index] as number));
  let sum = 0n;
  for (let index = 0; index < padded.length / 4; index += 2) sum += keyed(index) * keyed(index + 1);
  return BigInt.asUintN(64, sum);
}

test("sum and first words of packets of every length, wherever they are, under keys in turns", () => {
  const random = seeded(5);
  const word = (): number => (random() * 2 ** 32) | 0;
  const keys = [0, 1].map(() => Int32Array.from({ length: sumKeyWords }, word));
  const elsewhere = Uint8Array.from({ length: 3 * packetLimit }, () => random() * 256);
  const places = [
    elsewhere,
    packetMemory(elsewhere.length),
    ...[sumProgram, simdProgram].map((each) => packetMemory(elsewhere.length, compiled(each))),
  ];
  for (const place of places) place.set(elsewhere);
  for (let length = headerBytes; length <= packetLimit; length += 4) {
    const bytes = places[Math.floor(random() * places.length)] as Uint8Array;
    const offset = Math.floor(random() * packetLimit);
    const key = keys[length & 1] as Int32Array;
    const into = new Int32Array(6);
    wordSum(bytes, offset, length, key, into);
    const packet = bytes.subarray(offset, offset + length);
    const sum = new BigUint64Array(into.buffer, 0, 1)[0];
    assert.equal(sum, slowSum(packet, key), `${length}`);
    assert.deepEqual(new Uint8Array(into.buffer, 8), packet.slice(0, headerBytes), `${length}`);
  }
  for (const place of places) assert.deepEqual(place, elsewhere, "and nothing is changed by it");
});
