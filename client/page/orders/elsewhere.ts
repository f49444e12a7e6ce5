/** What is ordered of another server of the campus: the same as here, with what that one knows. */
import type { LiveEvent } from "../../../core/wire/api.ts";
import type { RoomView } from "../../../core/wire/rooms.ts";
import type { ImageView, PcView, SessionView } from "../../../core/wire/views.ts";
import { get } from "../api.ts";
import { Store } from "../store.ts";
import type { Action } from "./action.ts";

/** The rooms, PCs and images of a server as it tells them now: an order shows what it would overwrite there. */
export async function storeOf(server: string): Promise<Store> {
  const [rooms, pcs, images] = await Promise.all([
    get<readonly RoomView[]>("/rooms", server),
    get<readonly PcView[]>("/pcs", server),
    get<readonly ImageView[]>("/images", server),
  ]);
  const store = new Store();
  const events: LiveEvent[] = [
    ...rooms.map((room) => ({ type: "room" as const, room })),
    ...pcs.map((pc) => ({ type: "pc" as const, pc })),
    ...images.map((image) => ({ type: "image" as const, image })),
    { type: "ready" },
  ];
  store.take(events);
  return store;
}

export const sessionAt = (server: string, id: string): Promise<SessionView> =>
  get<SessionView>(`/sessions/${encodeURIComponent(id)}`, server);

/** The same order, done by this server. */
export const atServer = (server: string, action: Action): Action => ({
  ...action,
  plan(values) {
    const planned = action.plan(values);
    return {
      ...planned,
      calls: planned.calls.map((call) => ({ ...call, server })),
      commands: planned.commands.map((line) =>
        line.replace(/^roomcast /, `roomcast --server-name ${server} `),
      ),
    };
  },
});
