import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Value } from "typebox/value";
import { AgentMessage } from "../../../core/wire/agent-message.ts";
import { ScheduleRequest } from "../../../core/wire/api.ts";
import { DiskPolicy } from "../../../core/wire/disk-policy.ts";
import { ManifestFields } from "../../../core/wire/manifest.ts";
import { fitted, misfitOf } from "../../../core/wire/misfit.ts";
import { RoomChange } from "../../../core/wire/rooms.ts";
import { ServerMessage } from "../../../core/wire/server-message.ts";

test("what does not fit is told in a sentence, and what fits is not", () => {
  const fields = ["type", "pin", "disk", "naming", "want", "cron", "name", "partitions", "model"];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()),
    fc.record({ type: fc.constantFrom("ask", "alive", "hello"), want: fc.jsonValue() }),
  );
  for (const schema of [
    ...[AgentMessage, ServerMessage, ScheduleRequest, RoomChange, DiskPolicy, ManifestFields],
  ]) {
    fc.assert(
      fc.property(value, (value) => {
        const misfit = misfitOf(schema, value, "the body");
        assert.equal(misfit === null, Value.Check(schema, value));
        // A schema that is asked this often is compiled on the way: the answer stays.
        assert.equal(fitted(schema, value, "the body").ok, misfit === null);
        if (misfit === null) return;
        assert.ok(misfit.what.length > 0 && misfit.next.length > 0);
        assert.doesNotMatch(misfit.what, /\p{Cc}/u);
      }),
    );
  }
});

test("of a union the part is told that was meant", () => {
  const said = (value: unknown): string => {
    const misfit = misfitOf(AgentMessage, value, "the message");
    return `${misfit?.what}; ${misfit?.next}`;
  };
  assert.equal(
    said({ type: "ask", want: { action: "wipe", method: "burn", disk: "/dev/sda" } }),
    'want.method is "burn"; it has to be discard, zero or secure-erase',
  );
  assert.match(said({ type: "ask", want: { action: "fly" } }), /^want\.action is "fly"; .*restore/);
  assert.match(said({ type: "fly" }), /^type is "fly"; it has to be alive, /);
  assert.match(said(7), /^the message is 7; /);
});
