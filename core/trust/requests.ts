/**
 * What people at PCs have asked for and an operator has not answered: a pure table. A request is bound
 * to one connection of one PC, and each ends once: by an answer, with its PC, or by time.
 */
import { type Millis, millis } from "../units/units.ts";

/** All PCs together; more are refused, since no operator reads so many. */
export const requestLimit = 50;
/** Nobody waits longer than that for an answer. */
export const requestLife = millis(10 * 60_000);
/** So often a PC may ask within `requestLife`: the console rings each time. */
export const asksAtPc = 10;

/** `T` is what was asked for, as it was shown. */
export interface OpenRequest<T> {
  readonly id: string;
  readonly pc: string;
  readonly asked: T;
  readonly at: Millis;
}

export interface Requests<T> {
  /** Oldest first. */
  readonly open: readonly OpenRequest<T>[];
  /** When each PC asked lately. */
  readonly askedAt: ReadonlyMap<string, readonly Millis[]>;
}

export const noRequests: Requests<never> = { open: [], askedAt: new Map() };

/** `waiting`: this PC has a request already; `often`: it asked too often; `full`: too many wait. */
export type AskRefusal = "waiting" | "often" | "full";

/** The request waits, or is refused. `id` has to be new. */
export function ask<T>(
  requests: Requests<T>,
  request: OpenRequest<T>,
): readonly [Requests<T>, AskRefusal | null] {
  const { pc, at } = request;
  if (requests.open.some((each) => each.pc === pc)) return [requests, "waiting"];
  const lately = new Map(
    [...requests.askedAt]
      .map(([each, times]) => [each, times.filter((time) => time > at - requestLife)] as const)
      .filter(([, times]) => times.length > 0),
  );
  const ofPc = lately.get(pc) ?? [];
  if (ofPc.length >= asksAtPc) return [requests, "often"];
  if (requests.open.length >= requestLimit) return [requests, "full"];
  return [{ open: [...requests.open, request], askedAt: lately.set(pc, [...ofPc, at]) }, null];
}

/** Takes a request out, whatever ended it: who takes it is the only one. Undefined: it is over already. */
export function taken<T>(
  requests: Requests<T>,
  id: string,
): readonly [Requests<T>, OpenRequest<T> | undefined] {
  const found = requests.open.find((each) => each.id === id);
  const open = requests.open.filter((each) => each !== found);
  return [{ ...requests, open }, found];
}

/** The request of a PC. */
export const ofPc = <T>({ open }: Requests<T>, pc: string): OpenRequest<T> | undefined =>
  open.find((each) => each.pc === pc);

/** Those that nobody answered in time. */
export const expired = <T>({ open }: Requests<T>, now: Millis): readonly OpenRequest<T>[] =>
  open.filter(({ at }) => now >= at + requestLife);

/** When the next one expires. */
export const deadline = <T>({ open: [first] }: Requests<T>): Millis | undefined =>
  first === undefined ? undefined : millis(first.at + requestLife);
