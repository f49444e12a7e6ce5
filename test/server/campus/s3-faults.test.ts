import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RoomcastError } from "../../../core/errors.ts";
import { printable } from "../../../core/units/printable.ts";
import { TryAgain } from "../../../server/campus/s3-exchange.ts";
import { faultOf } from "../../../server/campus/s3-faults.ts";

const asked = {
  ...{ storage: "https://s3.example.org", bucket: "campus", request: "GET packs/x" },
  askedAt: Date.UTC(2026, 10, 28),
};

test("whatever a storage answers, the error is one printable line of a bounded length", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "SlowDown",
      "NoSuchBucket",
      "RequestTimeTooSkewed",
      "AuthorizationHeaderMalformed",
    ),
    fc.string({ unit: "binary", maxLength: 2000 }),
  );
  const field = fc.constantFrom("Code", "Message", "Region", "ServerTime");
  const body = fc.oneof(
    fc.uint8Array(),
    fc.array(fc.tuple(field, word)).map((fields) => {
      const escaped = (text: string): string =>
        text.replace(/[<&]/g, (each) => `&#${each.charCodeAt(0)};`);
      const inner = fields.map(([name, text]) => `<${name}>${escaped(text)}</${name}>`).join("");
      return new Uint8Array(Buffer.from(`<Error>${inner}</Error>`));
    }),
  );
  const status = fc.oneof(
    fc.integer({ min: 100, max: 599 }),
    fc.constantFrom(301, 400, 403, 404, 409, 429),
  );
  fc.assert(
    fc.property(status, body, fc.option(word), (code, bytes, date) => {
      const fault = faultOf({ status: code, body: bytes, header: () => date }, asked);
      assert(fault instanceof TryAgain || fault instanceof RoomcastError);
      const words = [fault.message, ...("next" in fault ? [fault.next] : [])];
      for (const text of words) {
        assert.equal(text, printable(text));
        assert(text.length < 900);
      }
    }),
    { numRuns: 2000 },
  );
});

test("what a storage answers with words of its own is tried again where it is passing", () => {
  const answer = (status: number, code: string) => ({
    ...{ status, header: () => null },
    body: new Uint8Array(Buffer.from(`<Error><Code>${code}</Code></Error>`)),
  });
  for (const [status, code] of [
    [500, "InternalError"],
    [502, ""],
    [503, "SlowDown"],
    [429, ""],
    [408, ""],
    [400, "RequestTimeout"],
    [400, "BadDigest"],
    [400, "XAmzContentSHA256Mismatch"],
    [409, "OperationAborted"],
  ] as const) {
    assert(faultOf(answer(status, code), asked) instanceof TryAgain, `${status} ${code}`);
  }
  for (const [status, code] of [
    [400, "InvalidArgument"],
    [403, "AccessDenied"],
    [404, "NoSuchKey"],
    [409, "BucketAlreadyExists"],
    [200, ""],
  ] as const) {
    assert(faultOf(answer(status, code), asked) instanceof RoomcastError, `${status} ${code}`);
  }
});
