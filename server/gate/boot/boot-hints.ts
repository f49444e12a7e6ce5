import { guarded } from "../../../core/node/guard.ts";
import type { MacAddress } from "../../../core/units/mac.ts";
import { makeRoom } from "../../../core/units/make-room.ts";

/** A boot asks for its script once or twice within seconds; more of one MAC in this time says nothing new, in milliseconds. */
const hintEveryMs = 10_000;
/** MACs cost nothing to invent: the oldest of more is forgotten. */
const macsKept = 4096;

export interface BootHintsPorts {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** This MAC has asked for its boot files. */
  hint(mac: MacAddress): void;
  onError(error: Error): void;
}

/**
 * Hands on that a MAC has asked for its boot files, seldom enough that whoever asks again and again
 * costs nothing. It is a hint: anybody can ask in any PC's name.
 */
export class BootHints {
  private readonly ports: BootHintsPorts;
  private readonly hintedAt = new Map<MacAddress, number>();

  constructor(ports: BootHintsPorts) {
    this.ports = ports;
  }

  /** Never throws: a PC gets its script whatever becomes of the hint. */
  asked(mac: MacAddress): void {
    const { now, hint, onError } = this.ports;
    const before = this.hintedAt.get(mac);
    if (before !== undefined && now() - before < hintEveryMs) return;
    this.hintedAt.delete(mac);
    makeRoom(this.hintedAt, macsKept);
    this.hintedAt.set(mac, now());
    guarded(onError, () => hint(mac));
  }
}
