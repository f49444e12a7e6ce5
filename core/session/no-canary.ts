import { RoomcastError } from "../errors.ts";

/** Of a live cast that is ordered with a canary. */
export const castHasNoCanary = (): RoomcastError =>
  new RoomcastError(
    "usage",
    "a live cast has no canary: its PC reads its disk once, for all at the same time",
    "capture the disk, then restore the image with --canary",
  );
