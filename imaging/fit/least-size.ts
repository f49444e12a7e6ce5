const mib = 1 << 20;
/** What is least is looked for by halves until it is known to this part of the size. */
export const searchPart = 64;

/** Between a size that does not do and one that does. */
export async function leastThat(
  fits: (bytes: number) => Promise<boolean>,
  tooSmall: number,
  enough: number,
): Promise<number> {
  let [low, high] = [tooSmall, enough];
  while (high - low > Math.max(mib, enough / searchPart)) {
    const middle = Math.ceil((low + high) / 2 / mib) * mib;
    if (middle >= high) break;
    if (await fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}
