import type { CastSender } from "../../../core/cast/ends.ts";
import { bulkKind } from "../../../core/wire/bulk.ts";

/**
 * What the server says to the sender of a live cast about its receivers. After a broken connection it says all of it
 * again: a receiver that was there before wants less by now than it did when it joined.
 */
export class ReceiverFrames {
  private readonly joined = new Set<number>();

  /** `number` and `rest` are those of a frame of this kind; another kind is nothing to it. */
  take(sender: CastSender, kind: number, { number, rest }: { number: number; rest: Uint8Array }) {
    if (kind === bulkKind.feedback) sender.report(number, rest);
    else if (kind === bulkKind.leave) sender.leave(number);
    else if (kind === bulkKind.join && !this.joined.has(number)) {
      this.joined.add(number);
      sender.join(number, rest);
    }
  }
}
