/** Why a PC is a straggler, in words. */
import type { StragglerReason } from "../cast/ends.ts";
import { never } from "../errors.ts";
import { byteRateText, linkRateText, lossText, percentText } from "./format.ts";

/** `disk writes 18 MB/s` */
export function stragglerText(reason: StragglerReason): string {
  switch (reason.cause) {
    case "disk":
      return reason.writeBytesPerSecond < 1
        ? "waits for its disk, which takes nothing now"
        : `disk writes ${byteRateText(reason.writeBytesPerSecond)}`;
    case "link":
      return `link carries ${linkRateText(reason.receiveBps / 8)}, check its cable and port`;
    case "loss":
      return `loses ${lossText(reason.lossRatio)} of the packets, check its cable and port`;
    case "host":
      return `the PC cannot keep up: ${lossText(reason.dropRatio)} of the packets reach it and are not taken in time`;
    case "behind":
      return `the PC cannot keep up: it takes what was sent ${(reason.behindMs / 1000).toFixed(1)} s ago`;
    case "processor":
      return `the PC cannot keep up: its processor is busy, and its disk only ${percentText(reason.diskBusyRatio)} of the time`;
    case "unclear":
      return "fell behind the others, and its figures do not show why";
    default:
      return never(reason);
  }
}

/** A fraction of the time: a disk that has work for less than this is not what is waited for. */
const busyDisk = 0.5;

/** The reason with what the PC itself knows of its disk; null: it does not say. Chunks that wait are only then the disk's doing. */
export const withDisk = (reason: StragglerReason, diskBusy: number | null): StragglerReason =>
  reason.cause === "disk" && diskBusy !== null && diskBusy < busyDisk
    ? { cause: "processor", diskBusyRatio: diskBusy }
    : reason;
