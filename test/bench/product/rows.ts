import type { WireShape } from "../bench-wire.ts";

export interface ProductRow extends WireShape {
  readonly receiverCount: number;
  readonly linkBps: number;
  /** Of the disk, four fifths of which are files. */
  readonly diskMib: number;
}

/** The slow port's speed, as a fraction of the link's. */
const slowPort = 0.5;
/** Packets that are lost together: what one call of a sender with segmentation offload puts on the wire. */
const burst = 46;

const row = (
  receiverCount: number,
  linkBps: number,
  more: Partial<ProductRow> = {},
): ProductRow => ({
  ...{ receiverCount, linkBps, loss: 0, lossBurst: 1, slowPort: null },
  ...{ offloads: false, everyPort: true },
  // Long enough for its beginning and end to weigh little: some 30 s, and 5 s of one PC at 1 Gbit/s. More
  // PCs at 1 Gbit/s are more than a small machine can be.
  diskMib: linkBps === 100e6 ? 1280 : receiverCount === 1 ? 2048 : 256,
  ...more,
});

const troubles: readonly Partial<ProductRow>[] = [
  {},
  { loss: 0.01 },
  { loss: 0.01, lossBurst: burst },
];
const counts = [1, 4, 8];
const links = [100e6, 1e9];

export const productRows: readonly ProductRow[] = counts.flatMap((count) =>
  links.flatMap((link) => [
    ...troubles.map((trouble) => row(count, link, trouble)),
    ...(count === 1 ? [] : [row(count, link, { slowPort })]),
  ]),
);

/** The most telling ones, in a few minutes. */
export const quickProductRows: readonly ProductRow[] = [
  ...troubles.map((trouble) => row(4, 100e6, { ...trouble, diskMib: 256 })),
  row(4, 100e6, { slowPort, diskMib: 256 }),
  row(4, 1e9),
  row(1, 1e9, { diskMib: 256 }),
];

/** What `--rows` looks for, and the table and the plot say. */
export function rowText({ receiverCount, linkBps, loss, lossBurst, slowPort }: ProductRow): string {
  const pcs = `${receiverCount} PC${receiverCount === 1 ? "" : "s"}`;
  const link = linkBps >= 1e9 ? `${linkBps / 1e9} Gbit/s` : `${linkBps / 1e6} Mbit/s`;
  const lost = loss === 0 ? "" : `, ${loss * 100} % lost${lossBurst > 1 ? ` by ${lossBurst}` : ""}`;
  return `${pcs}, ${link}${lost}${slowPort === null ? "" : ", a slow port"}`;
}
