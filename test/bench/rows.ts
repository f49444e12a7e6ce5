import type { Row } from "./contest.ts";

const row = (
  receiverCount: number,
  linkBps: number | null,
  loss: number,
  more: Partial<Row> = {},
): Row => ({
  receiverCount,
  linkBps,
  loss,
  lossBurst: 1,
  everyPort: false,
  offloads: false,
  fault: null,
  payloadMib: linkBps === 100e6 ? 128 : 256,
  ...more,
});

export const quickRows: readonly Row[] = [
  row(8, 100e6, 0, { payloadMib: 96 }),
  row(8, 100e6, 0.01, { payloadMib: 96 }),
  row(8, 100e6, 0.05, { payloadMib: 64 }),
  row(8, 1e9, 0),
  row(4, 100e6, 0, { fault: "slow port", payloadMib: 48 }),
];

/** Every count, loss and link, but not every one of each with every other: some 20 minutes. */
export const allRows: readonly Row[] = [
  ...[1, 4, 16].map((count) => row(count, 100e6, 0, { payloadMib: 64 })),
  // Long enough for the beginning, when the rate is looked for, to weigh little.
  ...[0, 0.001, 0.01, 0.05].map((loss) => row(8, 100e6, loss, { payloadMib: 192 })),
  row(16, 100e6, 0.01, { payloadMib: 64 }),
  ...[1, 4, 16].map((count) => row(count, 1e9, 0)),
  ...[0, 0.001, 0.01, 0.05].map((loss) => row(8, 1e9, loss, { payloadMib: 384 })),
  row(1, 1e9, 0.01),
  ...[1, 4, 8, 16].map((count) => row(count, null, 0)),
  ...[1, 8].map((count) => row(count, null, 0.01)),
  ...[1, 8].flatMap((count) => [1e9, null].map((bps) => row(count, bps, 0, { offloads: true }))),
  ...(["slow port", "killed", "late"] as const).map((fault) =>
    row(4, 100e6, 0, { fault, payloadMib: 64 }),
  ),
];
