import { scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "../../core/ports.ts";
import { type Millis, millis } from "../../core/units/units.ts";
import type { PinHash } from "../../core/wire/rooms.ts";

/** Whoever walks away leaves the menu locked again after this. */
const openFor = millis(10 * 60_000);
/** As `PinHash` says. */
const cost = { N: 16384, r: 8, p: 1 };
const derive = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt);

/** The room's PIN before a PC's menu. It goes on to hold while the server is away. */
export class PinLock {
  private readonly clock: Clock;
  private pin: PinHash | null = null;
  private openUntil: Millis | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Another PIN locks the menu. */
  set(pin: PinHash | null): void {
    if (pin?.hash !== this.pin?.hash) this.openUntil = null;
    this.pin = pin;
  }

  get isLocked(): boolean {
    if (this.pin === null) return false;
    return this.openUntil === null || this.clock.now() >= this.openUntil;
  }

  /** Someone is at it, and has shown the PIN before. */
  used(): void {
    if (!this.isLocked) this.openUntil = millis(this.clock.now() + openFor);
  }

  /** Whether this is the PIN; it opens the lock if so. */
  async unlock(typed: string): Promise<boolean> {
    const { pin } = this;
    if (pin === null) return true;
    const right = Buffer.from(pin.hash, "hex");
    const given = await derive(typed, Buffer.from(pin.salt, "hex"), right.length, cost);
    if (!timingSafeEqual(given, right) || this.pin !== pin) return false;
    this.openUntil = millis(this.clock.now() + openFor);
    return true;
  }
}
