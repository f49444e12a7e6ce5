import { randomBytes, scryptSync } from "node:crypto";
import type { PinHash } from "../../core/wire/rooms.ts";

/** Slow enough that guessing all PINs of six digits takes a day of one core; see `PinHash`. */
const cost = { N: 16384, r: 8, p: 1 };

/** A PIN as it is stored: what it was cannot be read from it, only tried. */
export function hashPin(pin: string): PinHash {
  const salt = randomBytes(16).toString("hex");
  return { salt, hash: scryptSync(pin, Buffer.from(salt, "hex"), 32, cost).toString("hex") };
}
