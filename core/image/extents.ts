/** In bytes; `start` is relative to whatever the extent lies in. */
export interface Extent {
  readonly start: number;
  readonly length: number;
}

export const endOf = ({ start, length }: Extent): number => start + length;

export const shifted = (extents: readonly Extent[], by: number): Extent[] =>
  extents.map(({ start, length }) => ({ start: start + by, length }));

/** Extents of what lies in pieces, one after another, as extents of what the pieces lie in. */
export function inPieces(extents: readonly Extent[], pieces: readonly Extent[]): Extent[] {
  return extents.flatMap((extent) => {
    const out: Extent[] = [];
    let at = 0;
    for (const { start, length } of pieces) {
      const from = Math.max(extent.start, at);
      const to = Math.min(endOf(extent), at + length);
      if (from < to) out.push({ start: start + from - at, length: to - from });
      at += length;
    }
    return out;
  });
}

/** The same bytes, in order, none twice, as few extents as can be. */
export function union(extents: readonly Extent[]): Extent[] {
  const sorted = extents.filter(({ length }) => length > 0).sort((a, b) => a.start - b.start);
  const out: Extent[] = [];
  for (const extent of sorted) {
    const last = out.at(-1);
    if (last === undefined || endOf(last) < extent.start) out.push(extent);
    else if (endOf(extent) > endOf(last)) {
      out[out.length - 1] = { start: last.start, length: endOf(extent) - last.start };
    }
  }
  return out;
}

/** What of `extents` lies in none of `others`; both in order and apart. */
export function without(extents: readonly Extent[], others: readonly Extent[]): Extent[] {
  const out: Extent[] = [];
  let next = 0;
  for (const extent of extents) {
    let at = extent.start;
    while (next < others.length && endOf(others[next] as Extent) <= at) next++;
    for (let index = next; index < others.length; index++) {
      const other = others[index] as Extent;
      if (other.start >= endOf(extent)) break;
      if (other.start > at) out.push({ start: at, length: other.start - at });
      at = Math.max(at, endOf(other));
    }
    if (at < endOf(extent)) out.push({ start: at, length: endOf(extent) - at });
  }
  return out;
}

/** What of the extents lies in `place`. */
export const within = (extents: readonly Extent[], place: Extent): Extent[] =>
  extents
    .map((extent) => {
      const start = Math.max(extent.start, place.start);
      return { start, length: Math.min(endOf(extent), endOf(place)) - start };
    })
    .filter(({ length }) => length > 0);
