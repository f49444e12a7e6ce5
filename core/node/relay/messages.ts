/** What the owner of a cast and its worker say to each other. */
import type { CastReceiverStats, CastSenderStats } from "../../cast/handles.ts";

export type ToSender =
  | { readonly type: "join"; readonly receiver: number; readonly wants: Uint8Array }
  | { readonly type: "report"; readonly receiver: number; readonly payload: Uint8Array }
  | { readonly type: "leave"; readonly receiver: number }
  | { readonly type: "close" };

export type FromSender =
  | { readonly type: "stats"; readonly stats: CastSenderStats }
  | { readonly type: "failed"; readonly message: string };

export type ToReceiver =
  | { readonly type: "settle"; readonly entryIndex: number; readonly isRight: boolean }
  | { readonly type: "forget"; readonly entryIndex: number }
  | { readonly type: "refresh" }
  | { readonly type: "close" };

export type FromReceiver =
  | {
      readonly type: "chunk";
      readonly entryIndex: number;
      readonly slot: number;
      readonly length: number;
    }
  | { readonly type: "report"; readonly payload: Uint8Array }
  | { readonly type: "stats"; readonly stats: CastReceiverStats }
  | { readonly type: "failed"; readonly message: string };

/** How often counters are said, in milliseconds. */
export const statsEvery = 250;
