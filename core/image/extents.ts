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
