/**
 * Several things that lie in a row, made to end earlier: some of them become smaller, and what stands
 * behind them moves down. Partitions of a disk and volumes of an LVM group alike.
 */

export interface SqueezeUnit {
  readonly key: number;
  /** In bytes, from the start of what it lies in. */
  readonly start: number;
  readonly size: number;
  /** What it needs at least; `size` when it keeps its size. */
  readonly least: number;
  /** Bytes before it that belong to nobody else. */
  readonly lead: number;
  /** It keeps its start. */
  readonly isFixed: boolean;
}

export interface SqueezePlace {
  readonly start: number;
  readonly size: number;
}

export type Squeezed =
  | { readonly kind: "fits"; readonly places: ReadonlyMap<number, SqueezePlace> }
  /** `leastEnd`: the smallest `endBytes` that would do. */
  | { readonly kind: "too-large"; readonly leastEnd: number };

export interface SqueezeRequest {
  /** In the order in which they lie; none lies over another. */
  readonly units: readonly SqueezeUnit[];
  /** Keys of those that may become smaller: the next one is touched when the one before is at its least. */
  readonly order: readonly number[];
  /** The first byte that nothing may take. */
  readonly endBytes: number;
  /** New ends are multiples of it; what moves, moves by multiples of it, and so its chunks stay the same. */
  readonly gridBytes: number;
}

/** The first unit never moves, and nothing ever moves up. Everything stays where it can. */
export function squeeze(request: SqueezeRequest): Squeezed {
  const { units, order, endBytes, gridBytes } = request;
  const onGrid = units.map((unit, at) => ({
    ...unit,
    isFixed: unit.isFixed || at === 0,
    least: Math.min(unit.size, up(unit.start + unit.least, gridBytes) - unit.start),
  }));
  for (let taken = 0; taken < Math.max(1, order.length); taken++) {
    const places = placesWith(onGrid, {
      atLeast: new Set(order.slice(0, taken)),
      elastic: order[taken],
      endBytes,
      gridBytes,
    });
    if (places !== null) return { kind: "fits", places };
  }
  return { kind: "too-large", leastEnd: leastEnd(onGrid, new Set(order), gridBytes) };
}

const up = (at: number, grid: number): number => Math.ceil(at / grid) * grid;
const down = (at: number, grid: number): number => Math.floor(at / grid) * grid;

/** From the last one to the first: each as high as those behind it let it be. */
function placesWith(
  units: readonly SqueezeUnit[],
  how: {
    readonly atLeast: ReadonlySet<number>;
    readonly elastic: number | undefined;
    readonly endBytes: number;
    readonly gridBytes: number;
  },
): ReadonlyMap<number, SqueezePlace> | null {
  const places = new Map<number, SqueezePlace>();
  let limit = how.endBytes;
  for (const unit of units.toReversed()) {
    const { key, start, lead, isFixed } = unit;
    let size = how.atLeast.has(key) ? unit.least : unit.size;
    if (key === how.elastic && start + size > limit) {
      size = Math.max(unit.least, down(limit, how.gridBytes) - start);
    }
    const over = Math.max(0, start + size - limit);
    if (isFixed && over > 0) return null;
    const to = start - up(over, how.gridBytes);
    if (to < 0) return null;
    places.set(key, { start: to, size });
    limit = to - lead;
  }
  return places;
}

/** From the first one to the last: each as low as those before it let it be. */
function leastEnd(
  units: readonly SqueezeUnit[],
  order: ReadonlySet<number>,
  gridBytes: number,
): number {
  let end = 0;
  for (const { key, start, size, least, lead, isFixed } of units) {
    const to = isFixed ? start : start - down(start - end - lead, gridBytes);
    end = to + (order.has(key) ? least : size);
  }
  return end;
}
