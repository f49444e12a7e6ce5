import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { CastReceiverEvents } from "../../../core/cast/ends.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import type { LivePlan } from "../../../core/image/live-plan.ts";
import { codec } from "../../../core/image/types.ts";
import { chunkBytes, millis } from "../../../core/units/units.ts";
import { bulkKind, decodeNumbered, encodeNumbered } from "../../../core/wire/bulk.ts";
import { LiveCast } from "../../../server/lab/live-cast.ts";
import type { ImageWriter } from "../../../server/store/image-writer.ts";
import { castKeys } from "../../core/cast/keys.ts";

const entry = {
  ...{ chunkIndex: 0, codec: codec.raw, storedLength: chunkBytes, crc32c: 1 },
  sha256: new Uint8Array(32).fill(7),
};
const plan = {
  manifest: { diskBytes: chunkBytes },
  chunkIndexes: Uint32Array.of(0),
} as unknown as LivePlan;
const place = { tag: 1, group: "239.77.1.1", port: 7401 };

/** A live cast whose sender has said its plan and its only entry. */
async function begun(writer: Partial<ImageWriter>) {
  const asked: number[] = [];
  const archived: (string | null)[] = [];
  const heard: CastReceiverEvents[] = [];
  const said: (readonly [kind: number, number: number])[] = [];
  const cast = new LiveCast(
    {
      ...{ session: "s1", place, sender: "a" },
      writer: { abort: async () => {}, ...writer } as ImageWriter,
    },
    {
      timers: { now: () => millis(0), later: () => () => {}, every: () => () => {} },
      castKeys: () => castKeys,
      send: () => {},
      sendBulk: (_, kind, __, payload) => {
        const decoded = decodeNumbered(payload);
        if (!decoded.ok) return;
        said.push([kind, decoded.value.number]);
        if (kind === bulkKind.upload) asked.push(decoded.value.number);
      },
      async startReceiver({ keys }, events) {
        assert.equal(keys, castKeys);
        heard.push(events);
        const ended = new Promise<void>(() => {});
        return { forget() {}, announce() {}, refresh() {}, rekey() {}, ended, async close() {} };
      },
      planned: () => {},
      sealed: () => {},
      archived: (trouble) => void archived.push(trouble),
      receivers: () => [],
    },
  );
  await cast.takePlan(plan);
  cast.takeEntries(encodeNumbered(0, encodeIndex([entry])));
  return { cast, asked, archived, heard, said };
}

test("a chunk that came damaged three times is asked for over HTTP", async () => {
  const { cast, asked, heard } = await begun({
    holds: () => false,
    put: () => Promise.reject(new RoomcastError("bad-input", "the chunk is damaged", "")),
  });
  for (let times = 1; times <= 3; times++) {
    const verdicts: string[] = [];
    heard[0]?.chunk(0, new Uint8Array(chunkBytes), (verdict) => verdicts.push(verdict));
    await turn();
    assert.deepEqual(verdicts, ["corrupt"]);
    assert.deepEqual(asked, times < 3 ? [] : [0]);
  }
  await cast.close();
});

test("a chunk that the store has in another form is archived, and a PC gets the form that was announced", async () => {
  const { cast, asked, archived } = await begun({
    // The hash is known: nothing is stored, and the announced form is nowhere.
    holds: () => false,
    put: async () => {},
    read: () => Promise.reject(new Error("not in this form")),
  });
  await cast.takeUpload({ ...entry, storedLength: 5 }, new Uint8Array(5));
  assert.deepEqual(archived, [], "another form is not what was asked for");
  await cast.takeUpload(entry, new Uint8Array(chunkBytes));
  assert.deepEqual(archived, [null]);
  const chunk = cast.chunk(0);
  await turn();
  assert.deepEqual(asked, [0]);
  await cast.takeUpload(entry, new Uint8Array(chunkBytes).fill(9));
  assert.deepEqual(await chunk, new Uint8Array(chunkBytes).fill(9));
  const late = cast.chunk(0);
  await turn();
  await cast.close();
  await assert.rejects(late, { code: "unreachable" });
});

test("a sender that comes back hears who has joined and who has left", async () => {
  const { cast, said } = await begun({ holds: () => false });
  const sender = cast.remoteSender();
  cast.join();
  for (const receiver of [1, 2]) sender.join(receiver, Uint8Array.of(1));
  sender.leave(1);
  said.length = 0;
  cast.senderReturned();
  assert.deepEqual(said, [
    [bulkKind.join, 0],
    [bulkKind.join, 2],
    [bulkKind.leave, 1],
  ]);
  await cast.close();
});
