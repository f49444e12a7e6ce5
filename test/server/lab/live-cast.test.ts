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

test("a chunk that came damaged three times is asked for over HTTP", async () => {
  let hear: CastReceiverEvents | null = null;
  const asked: number[] = [];
  const writer = {
    holds: () => false,
    put: () => Promise.reject(new RoomcastError("bad-input", "the chunk is damaged", "")),
    abort: async () => {},
  } as unknown as ImageWriter;
  const cast = new LiveCast(
    { session: "s1", place, sender: "a", writer },
    {
      timers: { now: () => millis(0), later: () => () => {}, every: () => () => {} },
      castKeys: () => castKeys,
      send: () => {},
      sendBulk: (_, kind, __, payload) => {
        const decoded = decodeNumbered(payload);
        if (kind === bulkKind.upload && decoded.ok) asked.push(decoded.value.number);
      },
      async startReceiver({ keys }, events) {
        assert.equal(keys, castKeys);
        hear = events;
        const ended = new Promise<void>(() => {});
        return { forget() {}, announce() {}, refresh() {}, rekey() {}, ended, async close() {} };
      },
      planned: () => {},
      sealed: () => {},
      archived: () => {},
      receivers: () => [],
    },
  );
  await cast.takePlan(plan);
  cast.takeEntries(encodeNumbered(0, encodeIndex([entry])));
  for (let times = 1; times <= 3; times++) {
    const verdicts: string[] = [];
    (hear as unknown as CastReceiverEvents).chunk(0, new Uint8Array(chunkBytes), (verdict) =>
      verdicts.push(verdict),
    );
    await turn();
    assert.deepEqual(verdicts, ["corrupt"]);
    assert.deepEqual(asked, times < 3 ? [] : [0]);
  }
  await cast.close();
});
