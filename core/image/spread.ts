/**
 * Room behind the last of several things that lie in a row, given to one of them: what stands behind that
 * one is moved to the end. Partitions of a disk and volumes of an LVM group alike.
 */

export interface Unit {
  readonly key: number;
  /** In bytes, from the start of what it lies in. */
  readonly start: number;
  readonly size: number;
  /** Why it cannot be moved, in words that follow its name; null: it can. */
  readonly fixed: string | null;
}

export interface UnitMove {
  readonly key: number;
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

export type Spread =
  /** `end`: where the elastic unit ends. Moves in the order in which they have to be made. */
  | { readonly kind: "spread"; readonly end: number; readonly moves: readonly UnitMove[] }
  | { readonly kind: "no-room" }
  /** `unit` stands in the way. */
  | { readonly kind: "blocked"; readonly unit: Unit; readonly why: string };

export interface SpreadRequest {
  /** None lies over another. */
  readonly units: readonly Unit[];
  /** The one that takes the room. */
  readonly elastic: Unit;
  /** The first byte that nothing may take. */
  readonly endBytes: number;
  /** Starts and ends that are new are multiples of this. */
  readonly gridBytes: number;
}

/**
 * A unit never moves onto a part of its own place: until the table names its new place, the old one is
 * whole. So a disk that is hardly larger leaves no room to move what is large.
 */
export function spread({ units, elastic, endBytes, gridBytes }: SpreadRequest): Spread {
  const onGrid = (at: number): number => Math.floor(at / gridBytes) * gridBytes;
  const lastEnd = Math.max(...units.map(({ start, size }) => start + size));
  let limit = onGrid(endBytes);
  // Of what was spread before there is no more than the rest of the last unit's grid cell.
  if (limit - lastEnd < gridBytes) return { kind: "no-room" };
  const behind = units
    .filter(({ start }) => start >= elastic.start + elastic.size)
    .sort((one, other) => other.start - one.start);
  const moves: UnitMove[] = [];
  for (const unit of behind) {
    const { key, start: from, size, fixed } = unit;
    if (fixed !== null) return { kind: "blocked", unit, why: fixed };
    const to = onGrid(limit - size);
    if (to - from < size) {
      const why = "is larger than the room there is, so that it cannot be moved safely";
      return { kind: "blocked", unit, why };
    }
    moves.push({ key, from, to, size });
    limit = to;
  }
  return { kind: "spread", end: limit, moves };
}
