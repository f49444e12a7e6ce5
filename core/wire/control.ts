/**
 * How an agent and its server talk over the WebSocket `/gate/v2/link` once the login of `login.ts` is over:
 * one JSON object a text frame, told apart by `type` (`agent-message.ts`, `server-message.ts`); and binary
 * frames (`bulk.ts`). Either side closes the connection when it has heard nothing for `silenceLimit`.
 */
import type { Static, TLiteral, TObject, TUnion } from "typebox";
import type { Decoded } from "../errors.ts";
import { isPlain, printableIn } from "../units/printable.ts";
import { millis } from "../units/units.ts";
import { fitted } from "./misfit.ts";

/** An agent says something at least this often. */
export const aliveEvery = millis(1000);
/** The server does so to each PC at least this often: of its signs of life, a building takes two thousand at a time. */
export const serverAliveEvery = millis(3000);
/** Nine missed signs of life: the other side is gone. A PC that is busy to the last core may miss five. */
export const silenceLimit = millis(10_000);
/** A longer text frame is refused: the largest is `hello` of a PC with dozens of disks. */
export const controlFrameLimit = 256 * 1024;

type Message = TObject<{ type: TLiteral<string> }>;

/** Reads a text frame by the schema of all messages that this side takes. */
export function decodeControl<T extends TUnion<Message[]>>(
  schema: T,
  frame: string,
): Decoded<Static<T>> {
  if (frame.length > controlFrameLimit) return { ok: false, reason: "too long" };
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  // Most frames are plain, and a JSON escape makes of plain text what is not.
  if (!isPlain(frame) || frame.includes("\\")) value = printableIn(value);
  const type = (value as { type?: unknown } | null)?.type;
  // A building says thousands of them a second: each is held against the one schema that it names.
  const meant = schema.anyOf.filter(({ properties }) => properties.type.const === type);
  const [only, other] = meant;
  const part = only === undefined || other !== undefined ? schema : only;
  const fit = fitted(part, value, "the message") as Decoded<Static<T>>;
  return fit.ok || only === undefined ? fit : { ok: false, reason: `${type}: ${fit.reason}` };
}
