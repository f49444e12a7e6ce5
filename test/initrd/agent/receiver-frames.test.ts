import assert from "node:assert/strict";
import { test } from "node:test";
import type { CastSender } from "../../../core/cast/ends.ts";
import { bulkKind } from "../../../core/wire/bulk.ts";
import { ReceiverFrames } from "../../../initrd/agent/tasks/receiver-frames.ts";

test("a join that is said again replaces no wants, and a leave that was lost is taken", () => {
  const done: string[] = [];
  const sender = {
    join: (number: number, wants: Uint8Array) => done.push(`join ${number} ${wants}`),
    report: (number: number, payload: Uint8Array) => done.push(`report ${number} ${payload}`),
    leave: (number: number) => done.push(`leave ${number}`),
  } as unknown as CastSender;
  const frames = new ReceiverFrames();
  const take = (kind: number, number: number, ...rest: number[]): void =>
    frames.take(sender, kind, { number, rest: Uint8Array.from(rest) });
  take(bulkKind.join, 1, 255);
  take(bulkKind.join, 2, 255);
  take(bulkKind.feedback, 1, 7);
  // The connection breaks; 1 leaves meanwhile and 3 joins.
  take(bulkKind.join, 2, 255);
  take(bulkKind.join, 3, 255);
  take(bulkKind.leave, 1);
  assert.deepEqual(done, ["join 1 255", "join 2 255", "report 1 7", "join 3 255", "leave 1"]);
});
