/** A way to bring an image to a room, as the bench sees it. */
import type { Host, HostRoom } from "../../net/hosts.ts";
import type { BenchDisk } from "./disk.ts";

export interface Place {
  readonly room: HostRoom;
  readonly pcs: readonly Host[];
  readonly disk: BenchDisk;
  /** For files of this run. */
  readonly folder: string;
}

/** One restore by one of the ways, ordered by `order`. */
export interface Restore {
  /** Resolves once it is under way, or would be if it had to wait for somebody. */
  order(): Promise<void>;
  /** Resolves for each PC when it has the image, as far as this way can say so. */
  readonly arrivals: readonly Promise<void>[];
  /** The partition as each PC has it, and where it begins there. */
  readonly outputs: readonly { readonly path: string; readonly at: number }[];
  /** Ends it. Answers processor time in seconds: of what sends, and of the mean PC; null where it is not known. */
  end(): Promise<{ readonly server: number | null; readonly pc: number | null }>;
}
