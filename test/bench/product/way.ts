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
  /** Of the image, as this way has it stored. */
  readonly storedBytes: number;
  /** tcpdump's words for the packets that carry the image. */
  readonly dataFilter: string;
  /** Resolves once it is under way, or would be if it had to wait for somebody. */
  order(): Promise<void>;
  /** For each PC, when it has the image, as far as this way can say so: milliseconds since 1970. */
  readonly arrivals: readonly Promise<number>[];
  /** The partition as each PC has it, and where it begins there. */
  readonly outputs: readonly { readonly path: string; readonly at: number }[];
  /** Ends it, and says what it took. */
  end(): Promise<RestoreCost>;
}

export interface RestoreCost {
  /** Processor time in seconds, of what sends, and of the mean PC; null where it is not known. */
  readonly server: number | null;
  readonly pc: number | null;
  /** What the way itself says of its course, in milliseconds since 1970. */
  readonly steps: readonly { readonly at: number; readonly text: string }[];
}
