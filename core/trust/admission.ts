/**
 * Which PC a proven key is, and what it may have: the key decides alone, and marks only suggest. All
 * of it is a function of what is known, so that it can be tried without a network.
 */
import { never } from "../errors.ts";
import { type Millis, millis } from "../units/units.ts";
import type { KeyKind, KeyState } from "../wire/login.ts";
import type { Admit } from "../wire/rooms.ts";
import type { PcView } from "../wire/views.ts";
import { type Known, likeness, type Marks, recognise } from "./identity.ts";

/** PCs that nobody has placed: a lecture hall's worth of them is remembered, and no more. */
export const unplacedLimit = 200;
/** PCs that are known in all: ten buildings of the largest kind, and some 100 MB of memory. */
export const pcsLimit = 20_000;
/** MACs of one PC: of all its cards, docks and adapters, those that it was seen with last. */
export const macsKept = 128;
/** One that is away for longer is forgotten. */
export const unplacedKept = millis(3_600_000);
/** New PCs that one address may bring in a minute: a host with many disks, and no flood. */
export const newcomersPerMinute = 20;
const minute = 60_000;
/** Addresses of which newcomers are counted: they cost nothing to invent. */
const addressLimit = 1000;

/** A PC of the inventory, as a login is held against it. */
export interface KnownPc extends Known {
  /** Null: it is known from an older server, and has proven none yet. */
  readonly key: { readonly kind: KeyKind; readonly state: KeyState } | null;
  /** Nobody has placed it: its record is one of a visitor. */
  readonly isUnplaced: boolean;
  /** It was never here: all that is known of it is what an operator's list says. */
  readonly isExpected: boolean;
}

export interface KeyLogin {
  readonly kind: KeyKind;
  readonly marks: Marks;
  /** Of a key that is known: the PC that it is, and its state. */
  readonly known: { readonly pc: string | null; readonly state: KeyState } | null;
}

/** Which PC a login is. */
export type Arrival =
  /** The key is this PC's. */
  | { readonly kind: "own"; readonly id: string }
  /** The key is this PC's, and all that is known of the hardware speaks against it. */
  | { readonly kind: "contradicted"; readonly id: string }
  /** This PC, started anew: its memory has another key, which is in the state that the last one was in. */
  | { readonly kind: "again"; readonly id: string; readonly state: KeyState }
  | { readonly kind: "new" }
  /** It may be each of these; `id`: where it has been asked about before. */
  | { readonly kind: "doubt"; readonly ids: readonly string[]; readonly id: string | null }
  | { readonly kind: "revoked" };

export function arrivalOf({ kind, marks, known }: KeyLogin, pcs: readonly KnownPc[]): Arrival {
  if (known?.state === "revoked") return { kind: "revoked" };
  const own = known === null ? undefined : pcs.find(({ id }) => id === known.pc);
  if (own !== undefined) {
    const isOdd = known?.state === "placed" && likeness(marks, own) < 0;
    return { kind: isOdd ? "contradicted" : "own", id: own.id };
  }
  // What a visitor says of itself raises no doubt about anybody.
  const found = recognise(
    marks,
    pcs.filter(({ isUnplaced }) => !isUnplaced),
  );
  const pc = found.kind === "known" ? pcs.find(({ id }) => id === found.id) : undefined;
  if (pc !== undefined && follows(kind, marks, pc))
    return { kind: "again", id: pc.id, state: pc.key?.state ?? "waiting" };
  const visitor = pcs.find((each) => each.isUnplaced && follows(kind, marks, each));
  if (found.kind === "new") {
    return visitor === undefined
      ? { kind: "new" }
      : { kind: "again", id: visitor.id, state: "waiting" };
  }
  const ids = found.kind === "known" ? [found.id] : found.ids;
  return { kind: "doubt", ids, id: visitor?.id ?? null };
}

/**
 * Whether a new key may be taken for the one that this PC has now: after a reboot without a TPM, and
 * the first time after an older server. Nobody who is online is displaced, and a record that has a
 * lasting key never falls back to one in memory.
 */
function follows(kind: KeyKind, marks: Marks, pc: KnownPc): boolean {
  if (pc.isOnline || !(pc.isExpected ? isAsListed : agrees)(marks, pc)) return false;
  if (pc.key === null) return true;
  return kind === "memory" && pc.key.kind === "memory" && pc.key.state !== "revoked";
}

/** A list names one card, and may have the UUID: who comes first and fits is that PC, and still has to be admitted. */
const isAsListed = (marks: Marks, pc: Marks): boolean =>
  marks.macs.some((mac) => pc.macs.includes(mac)) &&
  (pc.uuid === null || marks.uuid === null || pc.uuid === marks.uuid);

/** All that is known of the PC is the same. Cards come and go with docks, so one of them is enough. */
function agrees(marks: Marks, pc: Marks): boolean {
  const serials = new Set(pc.serials);
  return (
    marks.uuid === pc.uuid &&
    serials.size === new Set(marks.serials).size &&
    marks.serials.every((serial) => serials.has(serial)) &&
    marks.macs.some((mac) => pc.macs.includes(mac))
  );
}

/** Whether an order may go to a PC; `places`: an operator's order that names it places it. */
export type Verdict =
  | { readonly kind: "may" }
  | { readonly kind: "places" }
  | { readonly kind: "may-not"; readonly what: string; readonly next: string };

export function orderVerdict(
  pc: Pick<PcView, "name" | "identity" | "doubt" | "lastSeen">,
  room: { readonly name: string; readonly admit: Admit },
): Verdict {
  const { name, identity, doubt } = pc;
  const no = (what: string, next: string): Verdict => ({ kind: "may-not", what, next });
  // Whoever comes first with its MAC would have what was ordered for it.
  if (pc.lastSeen === null)
    return no(
      `${name} was never here: an operator's list names it`,
      `boot it from the network, compare its code in \`roomcast pc show ${name}\` with its screen, then \`roomcast pc admit ${name}\``,
    );
  const state = identity?.state ?? "waiting";
  switch (state) {
    case "revoked":
      return no(
        `the key of ${name} was revoked`,
        `let it in again with \`roomcast pc admit ${name}\`, or remove it with \`roomcast pc forget ${name}\``,
      );
    case "doubt": {
      const names = (doubt ?? []).map((each) => each.name);
      if (names.length === 0)
        return no(
          `${name} has its key, and other hardware than before`,
          `if that is right, \`roomcast pc admit ${name}\``,
        );
      return no(
        `${name} is not known for sure: it may be ${names.join(" or ")}`,
        `say which with \`roomcast pc identify ${name} --as PC\`, or --new`,
      );
    }
    case "waiting":
      if (room.admit === "on-order") return { kind: "places" };
      if (identity === null)
        return no(
          `${name} has proven no key yet`,
          `boot it from the network, then \`roomcast pc admit ${name}\``,
        );
      return no(
        `nobody has placed ${name} yet`,
        `compare its code in \`roomcast pc show ${name}\` with its screen, then \`roomcast pc admit ${name}\``,
      );
    case "placed":
      if (room.admit !== "proven" || identity?.kind !== "memory") return { kind: "may" };
      return no(
        `${name} has no TPM, and room ${room.name} takes only PCs with a lasting key`,
        `move it to another room, or \`roomcast room set ${room.name} --admit placed\``,
      );
    default:
      return never(state);
  }
}

/** Counts who comes new from which address; the time is any clock that only goes forward. */
export class Newcomers {
  /** The address from which nobody has come for the longest time is the first. */
  private readonly byAddress = new Map<string, readonly Millis[]>();

  /** Whether one more may come from there now. */
  take(address: string, now: Millis): boolean {
    for (const [oldest, times] of this.byAddress) {
      if (now - (times.at(-1) ?? now) < minute) break;
      this.byAddress.delete(oldest);
    }
    const times = (this.byAddress.get(address) ?? []).filter((at) => now - at < minute);
    const isNew = times.length === 0;
    if (times.length >= newcomersPerMinute) return false;
    if (isNew && this.byAddress.size >= addressLimit) return false;
    this.byAddress.delete(address);
    this.byAddress.set(address, [...times, now]);
    return true;
  }
}
