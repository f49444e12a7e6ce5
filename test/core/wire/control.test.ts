import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeAgentMessage } from "../../../core/wire/agent-message.ts";
import { controlFrameLimit } from "../../../core/wire/control.ts";
import { usualRule } from "../../../core/wire/disk-policy.ts";
import { decodeHello } from "../../../core/wire/hello.ts";
import { decodeServerMessage } from "../../../core/wire/server-message.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { helloOf } from "../../server/lab/hello.ts";
import { castKeys } from "../cast/keys.ts";
import { anyText, assertHarmless } from "../units/harmful.ts";

const order = {
  type: "restore",
  session: "s1",
  attempt: 1,
  grant: "image/p-1/s1/1/0123456789abcdef/seal",
  imageId: "0123456789abcdef",
  image: "lab@1",
  cast: { tag: 4_294_967_295, group: "239.77.1.1", port: 7401, keys: castKeys },
  verify: "read-back",
  afterwards: "stay",
  disk: null,
  rule: usualRule,
  grow: "auto",
  scan: false,
  live: "no",
  personal: null,
};

test("a message that fits its schema is taken as it is", () => {
  assert.deepEqual(decodeServerMessage(JSON.stringify(order)), { ok: true, value: order });
  assert.deepEqual(decodeAgentMessage('{"type":"alive","state":"idle","report":null}'), {
    ok: true,
    value: { type: "alive", state: "idle", report: null },
  });
});

test("a message that does not is refused with a reason", () => {
  for (const frame of [
    "",
    "null",
    "[]",
    "{",
    '{"type":"sleep"}',
    '{"type":"power","action":"explode"}',
    JSON.stringify({ ...order, cast: { ...order.cast, tag: 2 ** 32 } }),
    JSON.stringify({ ...order, cast: { ...order.cast, port: 0 } }),
    JSON.stringify({ ...order, cast: { ...order.cast, keys: undefined } }),
    JSON.stringify({ ...order, cast: { ...order.cast, keys: { ...castKeys, packet: "AAAA" } } }),
    JSON.stringify({ ...order, session: "x".repeat(65) }),
    " ".repeat(controlFrameLimit + 1),
  ]) {
    const decoded = decodeServerMessage(frame);
    assert.equal(decoded.ok, false, frame.slice(0, 80));
    assert(!decoded.ok && decoded.reason.length > 0);
  }
});

/** Every text in a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

test("whatever a PC says of itself, of its work and of its screen, all of it is printable", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const short = text.slice(0, 60);
      const disk = {
        ...diskOf(1),
        path: short,
        model: short,
        serial: short,
        wwn: short,
        health: short,
      };
      const end = {
        ...{ outcome: "failed", rootHash: null, counters: null },
        reason: text,
        next: text,
      };
      const work = { session: "s1", attempt: 1 };
      const identity = { uuid: short, serials: [short], macs: ["52:54:00:00:00:01"] };
      const more = { name: short, identity, disks: [disk], agentVersion: short };
      const hello = helloOf("52:54:00:00:00:01", {
        ...{ ...more, nic: { driver: short, speedMbps: null } },
      });
      const said = [
        { type: "alive", state: "idle", report: { ...work, phase: "done", end } },
        { type: "delivery", ...work, way: "http", reason: short },
        { type: "seen", request: "r", lines: [short, short] },
        { type: "shell-ended", shell: 1, status: null, reason: short },
      ];
      const all = [
        decodeHello(JSON.stringify(hello)),
        ...said.map((message) => decodeAgentMessage(JSON.stringify(message))),
      ];
      for (const decoded of all) {
        assert(decoded.ok, JSON.stringify(decoded));
        for (const each of textsIn(decoded.value)) assertHarmless(each);
      }
    }),
  );
});

test("the reason names the message and the field", () => {
  const decoded = decodeAgentMessage('{"type":"alive","state":"asleep"}');
  assert(!decoded.ok);
  assert.match(decoded.reason, /^alive: state is "asleep"; it has to be .*idle/);
});

test("any text is decoded or refused, never thrown at", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      decodeAgentMessage(text);
      decodeServerMessage(text);
    }),
    { numRuns: 2000 },
  );
});

test("a good message with one field replaced by anything is decoded or refused", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(order)), fc.jsonValue(), (field, value) => {
      const decoded = decodeServerMessage(JSON.stringify({ ...order, [field]: value }));
      if (decoded.ok && decoded.value.type === "restore") {
        assert(decoded.value.cast.port >= 1 && decoded.value.cast.port <= 65535);
      }
    }),
    { numRuns: 1000 },
  );
});
