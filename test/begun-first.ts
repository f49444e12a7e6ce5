/**
 * The files that take longest, the longest first. They are begun first, so that what is under way at the end is
 * short and no core waits for it. A run names its longest at its end: that is what this list goes by.
 */
export const begunFirst: readonly string[] = [
  "test/room/pxe.test.ts",
  "test/room/trouble-and-tpm.test.ts",
  "test/room/master.test.ts",
  "test/net/agents.test.ts",
  "test/client/transfer/fit.test.ts",
  "test/client/transfer/fit-faults.test.ts",
  "test/net/live-cast.test.ts",
  "test/net/room-moves.test.ts",
  "test/net/campus-faults.test.ts",
  "test/sim/rooms.test.ts",
  "test/imaging/capture/full-and-empty.test.ts",
  "test/server/migrate/migrate.test.ts",
  "test/package/debs.test.ts",
  "test/client/transfer/round-trip.test.ts",
  "test/page/views.test.ts",
  "test/client/transfer/folders.test.ts",
  "test/imaging/capture/disks.test.ts",
];
