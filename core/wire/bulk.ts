/**
 * The binary frames of the link: offset 0, u8, kind; offset 4, u32 LE, the cast's tag; offset 8, the payload.
 * `wants`: a bitmap over the image's index entries, bit `i & 7` of byte `i >> 3`, 1 = wanted. It
 * replaces what the server knew. `report`: what `core/cast` makes of its state (docs/protocol.md).
 * `shell`, both ways: what is typed and shown; the tag is the number of the shell.
 *
 * Of a live cast, the payload begins with a u32 LE. `entries`: the number of the first entry, then
 * index entries of 48 bytes; from the sender to the server, and on to the receivers. From the server
 * to the sender, beginning with a receiver's number: `join` (then its wants), `feedback` (then its
 * report), `leave`. `upload`: the number of an entry that the server wants over HTTP.
 */
import type { Decoded } from "../errors.ts";

export const bulkKind = {
  wants: 1,
  report: 2,
  shell: 3,
  entries: 4,
  join: 5,
  feedback: 6,
  leave: 7,
  upload: 8,
} as const;
export const bulkHeaderBytes = 8;

export interface BulkFrame {
  readonly kind: number;
  readonly tag: number;
  readonly payload: Uint8Array;
}

export function encodeBulk(kind: number, tag: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bulkHeaderBytes + payload.length);
  frame[0] = kind;
  for (let index = 0; index < 4; index++) frame[4 + index] = (tag >>> (8 * index)) & 0xff;
  frame.set(payload, bulkHeaderBytes);
  return frame;
}

export function decodeBulk(frame: Uint8Array): Decoded<BulkFrame> {
  if (frame.length < bulkHeaderBytes) return { ok: false, reason: "truncated" };
  const kind = frame[0] as number;
  if (kind < bulkKind.wants || kind > bulkKind.upload)
    return { ok: false, reason: `unknown kind ${kind}` };
  let tag = 0;
  for (let index = 3; index >= 0; index--) tag = tag * 256 + (frame[4 + index] as number);
  return { ok: true, value: { kind, tag, payload: frame.subarray(bulkHeaderBytes) } };
}

/** The payload of a frame of a live cast. */
export function encodeNumbered(number: number, rest: Uint8Array): Uint8Array {
  const payload = new Uint8Array(4 + rest.length);
  for (let index = 0; index < 4; index++) payload[index] = (number >>> (8 * index)) & 0xff;
  payload.set(rest, 4);
  return payload;
}

export function decodeNumbered(
  payload: Uint8Array,
): Decoded<{ readonly number: number; readonly rest: Uint8Array }> {
  if (payload.length < 4) return { ok: false, reason: "truncated" };
  let number = 0;
  for (let index = 3; index >= 0; index--) number = number * 256 + (payload[index] as number);
  return { ok: true, value: { number, rest: payload.subarray(4) } };
}
