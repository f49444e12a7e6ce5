/** What the workers of a cast and their owners say to each other. */
import type {
  CastReceiverOptions,
  CastReceiverStats,
  CastSenderOptions,
  CastSenderStats,
  ChunkVerdict,
  ReceiverId,
} from "../../cast/ends.ts";
import { type ErrorCode, RoomcastError } from "../../errors.ts";
import type { IndexEntry } from "../../image/types.ts";
import type { ProgramMemory } from "../../units/web-assembly.ts";
import type { CastKeys } from "../../wire/cast-address.ts";

export interface SenderSetup extends Omit<CastSenderOptions, "source"> {
  /** Null: the owner is asked. */
  readonly source: { readonly module: string; readonly config: unknown } | null;
}

export type ToSender =
  | {
      readonly type: "join";
      readonly receiver: ReceiverId;
      readonly wants: Uint8Array;
      readonly coming: number | null;
    }
  | { readonly type: "report"; readonly receiver: ReceiverId; readonly payload: Uint8Array }
  | { readonly type: "leave"; readonly receiver: ReceiverId }
  | Announcement
  | Rekey
  | { readonly type: "read"; readonly entryIndex: number; readonly stored: Uint8Array }
  | { readonly type: "unread"; readonly failure: Failure }
  | { readonly type: "close" };

/** An entry of a live cast is known. */
export interface Announcement {
  readonly type: "announce";
  readonly entryIndex: number;
  readonly entry: IndexEntry;
}

export interface Rekey {
  readonly type: "rekey";
  readonly keys: CastKeys;
}

export type FromSender =
  | { readonly type: "started" }
  | { readonly type: "read"; readonly entryIndex: number }
  | { readonly type: "stats"; readonly stats: CastSenderStats }
  | { readonly type: "failed"; readonly failure: Failure };

export interface ReceiverSetup extends CastReceiverOptions {
  readonly slab: ProgramMemory<SharedArrayBuffer>;
  /** The owner writes to it after each message; null: Node's own sockets are in use. */
  readonly wakeDescriptor: number | null;
}

export type ToReceiver =
  | { readonly type: "settle"; readonly entryIndex: number; readonly verdict: ChunkVerdict }
  | { readonly type: "forget"; readonly entryIndex: number }
  | Announcement
  | Rekey
  | { readonly type: "refresh" }
  | { readonly type: "close" };

export type FromReceiver =
  | { readonly type: "started" }
  | {
      readonly type: "chunk";
      readonly entryIndex: number;
      /** Where in the slab. */
      readonly offset: number;
      readonly storedLength: number;
    }
  | { readonly type: "report"; readonly payload: Uint8Array }
  | { readonly type: "stats"; readonly stats: CastReceiverStats }
  | { readonly type: "failed"; readonly failure: Failure };

/** An error as it crosses threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
}

export const failureOf = (error: unknown): Failure =>
  error instanceof RoomcastError
    ? { code: error.code, message: error.message, next: error.next }
    : {
        code: "failed",
        message: `the cast's worker broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        next: "start the session again; should it happen again, report it with this line",
      };

export const errorOf = ({ code, message, next }: Failure): RoomcastError =>
  new RoomcastError(code, message, next);

/** Milliseconds between two messages with the totals of an end. */
export const statsEveryMs = 250;
