import { isSecretOf, salted } from "../../core/node/salted.ts";
import { Turns } from "../../core/node/turns.ts";
import type { Right } from "../../core/wire/trust.ts";
import type { PinHash } from "../state/records.ts";

/** As `PinHash` says: slow enough that guessing all PINs of six digits takes a day of one core. */
const cost = { N: 16384, r: 8, p: 1 };
/** libuv has four threads, and whoever reads files needs some of them. */
const checksAtOnce = 2;

/** The PINs of a room, as they are stored. */
export interface Pins {
  readonly menu: PinHash | null;
  readonly instructor: PinHash | null;
}

/** A PIN as it is stored: what it was cannot be read from it, only tried. */
export const hashPin = (pin: string): Promise<PinHash> => salted(pin, cost);

/** Checks what was typed, outside of the main thread; at most `checksAtOnce` run, the others wait in their order. */
export class PinChecks {
  private readonly turns = new Turns(checksAtOnce);

  /** What the PIN allows; null: it is neither of the two. */
  check(typed: string, { menu, instructor }: Pins): Promise<Right | null> {
    return this.turns.take(async () => {
      if (instructor !== null && (await isPin(typed, instructor))) return "instructor";
      return menu !== null && (await isPin(typed, menu)) ? "menu" : null;
    });
  }
}

const isPin = (typed: string, pin: PinHash): Promise<boolean> => isSecretOf(pin, typed, cost);
