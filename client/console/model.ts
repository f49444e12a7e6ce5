/** What the console knows: the sum of the server's events. */

import { isLatest, type Part } from "../../core/screen/pc-state.ts";
import type { Language } from "../../core/wire/language.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { RequestView } from "../../core/wire/trust.ts";
import type { ImageView, PcView, SessionView } from "../../core/wire/views.ts";
import type { ConsoleEvent } from "./api.ts";
import type { SeenCampus } from "./campus-watch.ts";
import type { Looked } from "./looker.ts";

export interface Model {
  readonly language: Language;
  readonly pcs: Map<string, PcView>;
  readonly rooms: Map<string, RoomView>;
  readonly images: Map<string, ImageView>;
  readonly sessions: Map<string, SessionView>;
  /** What waits for a yes, oldest first. */
  readonly requests: Map<string, RequestView>;
  /** By PC: its part in the latest session that it is or was in. */
  readonly parts: Map<string, Part>;
  /** What a page shows of a PC. */
  looked: Looked | null;
  /** The rooms of the campus, once they were asked for. */
  campus: SeenCampus | null;
  note: { readonly time: string; readonly text: string } | null;
  /** What is wrong now. */
  warnings: readonly string[];
  connection: { readonly state: "connecting" | "up" | "down"; readonly detail: string };
  /** Whether the whole state has come. */
  complete: boolean;
  /** While the whole state comes: what has come so far. What is missing at the end no longer exists. */
  said: Set<unknown> | null;
}

export const emptyModel = (language: Language = "en"): Model => ({
  language,
  pcs: new Map(),
  rooms: new Map(),
  images: new Map(),
  sessions: new Map(),
  requests: new Map(),
  parts: new Map(),
  looked: null,
  campus: null,
  note: null,
  warnings: [],
  connection: { state: "connecting", detail: "" },
  complete: false,
  said: new Set(),
});

/** Takes one event into the model. */
export function take(model: Model, event: ConsoleEvent): void {
  switch (event.type) {
    case "connection":
      model.connection = { state: event.state, detail: event.detail };
      model.said = new Set();
      return;
    case "ready":
      model.complete = true;
      if (model.said !== null) forgetUnsaid(model, model.said);
      model.said = null;
      return;
    case "pc":
      model.pcs.set(event.pc.id, event.pc);
      model.said?.add(event.pc);
      return;
    case "pc-gone":
      model.pcs.delete(event.id);
      return;
    case "room":
      model.rooms.set(event.room.name, event.room);
      model.said?.add(event.room);
      return;
    case "room-gone":
      model.rooms.delete(event.name);
      return;
    case "image":
      model.images.set(event.image.id, event.image);
      model.said?.add(event.image);
      return;
    case "image-gone":
      model.images.delete(event.id);
      return;
    case "session":
      takeSession(model, event.session);
      model.said?.add(event.session);
      return;
    case "request":
      model.requests.set(event.request.id, event.request);
      model.said?.add(event.request);
      return;
    case "request-gone":
      model.requests.delete(event.id);
      return;
    case "warnings":
      model.warnings = event.texts;
      return;
    case "note":
      model.note = { time: event.time, text: event.text };
      return;
  }
}

/** Drops what vanished while the server was not reached, since no event reported that. */
function forgetUnsaid(model: Model, said: ReadonlySet<unknown>): void {
  const { pcs, rooms, images, sessions, requests } = model;
  for (const map of [pcs, rooms, images, sessions, requests]) {
    for (const [key, value] of map) if (!said.has(value)) map.delete(key);
  }
  for (const [pc, { session }] of model.parts) {
    if (!model.sessions.has(session.id)) model.parts.delete(pc);
  }
}

function takeSession(model: Model, session: SessionView): void {
  model.sessions.set(session.id, session);
  for (const member of session.members) {
    if (isLatest(session, model.parts.get(member.pc)?.session))
      model.parts.set(member.pc, { session, member });
  }
}
