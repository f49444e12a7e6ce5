import { scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { PinHash } from "../../core/wire/rooms.ts";

/** As `PinHash` says. */
const cost = { N: 16384, r: 8, p: 1 };
const derive = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

/** Whether what was typed is the room's PIN. */
export async function isPin(typed: string, pin: PinHash): Promise<boolean> {
  const right = Buffer.from(pin.hash, "hex");
  const given = await derive(typed, Buffer.from(pin.salt, "hex"), right.length, cost);
  return timingSafeEqual(given, right);
}
