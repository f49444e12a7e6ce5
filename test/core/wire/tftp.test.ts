import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  dataPacket,
  decodeTftp,
  encodeError,
  encodeOack,
  tftpError,
} from "../../../core/wire/tftp.ts";

const packet = (opcode: number, rest: string): Uint8Array =>
  Uint8Array.of(0, opcode, ...Buffer.from(rest, "latin1"));

const request = (rest: string) => decodeTftp(packet(1, rest));

test("a read request: file, mode, and options whose names ignore case", () => {
  const decoded = request("boot/undionly.kpxe\0OCTET\0BlkSize\x001432\0tsize\x000\0");
  assert.deepEqual(decoded, {
    ok: true,
    value: {
      kind: "rrq",
      file: "boot/undionly.kpxe",
      mode: "octet",
      options: new Map([
        ["blksize", "1432"],
        ["tsize", "0"],
      ]),
    },
  });
});

test("what follows the last NUL, an option without a value and a repeated one do not count", () => {
  for (const tail of ["", "garbage", "tsize\0", "tsize", "blksize\x00512\0"]) {
    const decoded = request(`f\0octet\0blksize\x001468\0${tail}`);
    assert(decoded.ok && decoded.value.kind === "rrq");
    assert.deepEqual(decoded.value.options, new Map([["blksize", "1468"]]), tail);
  }
});

test("acknowledgements and errors", () => {
  assert.deepEqual(decodeTftp(Uint8Array.of(0, 4, 0xfe, 0xdc)), {
    ok: true,
    value: { kind: "ack", block: 0xfedc },
  });
  assert.deepEqual(decodeTftp(encodeError(tftpError.optionRefused, "no more")), {
    ok: true,
    value: { kind: "error", code: 8, message: "no more" },
  });
});

test("what is no client's packet says why", () => {
  const reason = (bytes: Uint8Array): string => {
    const decoded = decodeTftp(bytes);
    assert(!decoded.ok);
    return decoded.reason;
  };
  assert.equal(reason(Uint8Array.of(1)), "truncated");
  assert.equal(reason(dataPacket(1, 8)), "opcode 3 is not a client's");
  assert.equal(reason(packet(6, "tsize\x0012\0")), "opcode 6 is not a client's");
  assert.equal(reason(packet(1, `${"a".repeat(600)}\0octet\0`)), "request too long");
  assert.equal(reason(packet(1, "\0octet\0")), "no file or mode");
  assert.equal(reason(packet(1, "file\0octet")), "no file or mode");
  assert.equal(reason(packet(2, "file")), "no file or mode");
});

test("what the server says lies where the RFCs put it", () => {
  const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  assert.equal(latin(dataPacket(0x1_0203, 3)), "\0\x03\x02\x03\0\0\0");
  assert.equal(latin(encodeError(1, "no such file")), "\0\x05\0\x01no such file\0");
  const options = new Map([
    ["tsize", "70085"],
    ["blksize", "1432"],
  ]);
  assert.equal(latin(encodeOack(options)), "\0\x06tsize\x0070085\0blksize\x001432\0");
});

test("no bytes make the decoder throw", () => {
  const start = fc.constantFrom([], [0, 1], [0, 2], [0, 4], [0, 5]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 700 }), (head, bytes) => {
      const decoded = decodeTftp(Uint8Array.of(...head, ...bytes));
      if (decoded.ok && decoded.value.kind === "rrq") assert.notEqual(decoded.value.file, "");
    }),
    { numRuns: 1000 },
  );
});
