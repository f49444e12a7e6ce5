/** Why a PC is a straggler, in words. */
import type { StragglerReason } from "../cast/ends.ts";
import { never } from "../errors.ts";
import { byteRateText, linkRateText, lossText } from "./format.ts";

/** `disk writes 18 MB/s` */
export function stragglerText(reason: StragglerReason): string {
  switch (reason.cause) {
    case "disk":
      return `disk writes ${byteRateText(reason.writeBytesPerSecond)}`;
    case "link":
      return `link carries ${linkRateText(reason.receiveBps / 8)}, check its cable and port`;
    case "loss":
      return `loses ${lossText(reason.lossRatio)} of the packets, check its cable and port`;
    case "host":
      return `too slow to take what comes, drops ${lossText(reason.dropRatio)} of the packets`;
    default:
      return never(reason);
  }
}
