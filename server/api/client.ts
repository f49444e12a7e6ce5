/** The API as the command line and the console see it. They use nothing else of the server. */
import type { ImageView, PcView, RoomView, SessionView } from "../../core/wire/views.ts";

export interface StatusView {
  readonly version: string;
  readonly url: string;
  readonly startedAt: string;
  readonly listeners: readonly string[];
  readonly rooms: number;
  readonly pcs: number;
  readonly online: number;
  readonly sessions: number;
  readonly images: number;
  readonly storedBytes: number;
  readonly freeBytes: number;
}

/** What `/api/v1/events` says, one JSON object an event. The first ones describe all there is; `ready` follows. */
export type ApiEvent =
  | { readonly type: "pc"; readonly pc: PcView }
  | { readonly type: "pc-gone"; readonly id: string }
  | { readonly type: "room"; readonly room: RoomView }
  | { readonly type: "room-gone"; readonly name: string }
  | { readonly type: "session"; readonly session: SessionView }
  | { readonly type: "image"; readonly image: ImageView }
  | { readonly type: "image-gone"; readonly id: string }
  | { readonly type: "note"; readonly time: string; readonly text: string }
  | { readonly type: "ready" };
