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

/** The first unit never moves, and nothing ever moves up. What can stay where it is stays. */
export function squeeze(request: SqueezeRequest): Squeezed {
  const { units, order, endBytes, gridBytes } = request;
  const onGrid = units.map((unit, at) => ({
    ...unit,
    isFixed: unit.isFixed || at === 0,
    least: Math.min(unit.size, up(unit.start + unit.least, gridBytes) - unit.start),
  }));
  const row: Row = { units: onGrid, endBytes, gridBytes };
  for (let count = 0; count <= order.length; count++) {
    const sizes = new Map(onGrid.map(({ key, size }) => [key, size]));
    const small = onGrid.filter(({ key }) => order.slice(0, count).includes(key));
    for (const { key, least } of small) sizes.set(key, least);
    if (placesWith(row, sizes) === null) continue;
    // The one that shrinks first gets what the others leave.
    small.sort((a, b) => order.indexOf(b.key) - order.indexOf(a.key));
    for (const unit of small) sizes.set(unit.key, largest(row, sizes, unit));
    return { kind: "fits", places: placesWith(row, sizes) as Places };
  }
  return { kind: "too-large", leastEnd: leastEnd(onGrid, new Set(order), gridBytes) };
}

interface Row {
  readonly units: readonly SqueezeUnit[];
  readonly endBytes: number;
  readonly gridBytes: number;
}

type Places = ReadonlyMap<number, SqueezePlace>;
type Sizes = ReadonlyMap<number, number>;

const up = (at: number, grid: number): number => Math.ceil(at / grid) * grid;
const down = (at: number, grid: number): number => Math.floor(at / grid) * grid;

/** How large the unit can be while all others have these sizes. It does not move to be larger. */
function largest(row: Row, sizes: Sizes, { key, size, least }: SqueezeUnit): number {
  const startWith = (bytes: number): number | undefined =>
    placesWith(row, new Map([...sizes, [key, bytes]]))?.get(key)?.start;
  const start = startWith(least);
  const { start: former } = row.units.find((unit) => unit.key === key) as SqueezeUnit;
  const fits = (bytes: number): boolean => {
    const found = startWith(bytes);
    return start === former ? found === former : found !== undefined;
  };
  if (fits(size)) return size;
  let [enough, tooMany] = [0, Math.floor((size - least) / row.gridBytes) + 1];
  while (tooMany - enough > 1) {
    const middle = Math.floor((enough + tooMany) / 2);
    if (fits(least + middle * row.gridBytes)) enough = middle;
    else tooMany = middle;
  }
  return least + enough * row.gridBytes;
}

/** From the last one to the first: each as high as those behind it let it be. */
function placesWith({ units, endBytes, gridBytes }: Row, sizes: Sizes): Places | null {
  const places = new Map<number, SqueezePlace>();
  let limit = endBytes;
  for (const { key, start, lead, isFixed } of units.toReversed()) {
    const size = sizes.get(key) as number;
    const over = Math.max(0, start + size - limit);
    if (isFixed && over > 0) return null;
    const to = start - up(over, gridBytes);
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
