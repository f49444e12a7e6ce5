/** The wall for a projector: one room, large, and nothing to operate. */
import { useComputed } from "@preact/signals";
import { useApp } from "./app.ts";
import { EmptyRoom } from "./empty-room.tsx";
import { ConnectionLine } from "./frame.tsx";
import { roomSessions } from "./room-view.ts";
import { SeatBody } from "./seat.tsx";
import { Announcer, SessionLine } from "./session-line.tsx";
import { useLayout, useSeatMap } from "./wall.tsx";
import { number, t } from "./words.ts";

export function BeamerPage({ room }: { room: string }) {
  const { store } = useApp();
  const map = useSeatMap(room);
  const wall = useLayout(map, true);
  const session = useComputed(() => {
    const [latest] = roomSessions(store, room);
    return latest === undefined ? null : latest.id;
  });
  const counts = useComputed(() => {
    const view = store.rooms.get(room);
    return view === undefined
      ? ""
      : t("room.pcs", { count: view.pcs, online: number(view.online) });
  });
  return (
    <main class="beamer">
      <header>
        <h1>{t("room.name", { room })}</h1>
        <p>{counts}</p>
      </header>
      <ConnectionLine />
      {session.value === null ? null : <SessionLine id={session.value} isBig />}
      {map.places.length === 0 ? (
        <EmptyRoom room={room} />
      ) : (
        <ul class="seats" ref={wall} aria-label={t("seats.label", { room })}>
          {map.places.map((place) => (
            <BeamerSeat key={place.seat ?? place.pc?.id ?? ""} place={place} />
          ))}
        </ul>
      )}
      <Announcer room={room} />
    </main>
  );
}

function BeamerSeat({
  place: { seat, pc, column, row },
}: {
  place: ReturnType<typeof useSeatMap>["places"][number];
}) {
  return (
    <li
      ref={(item) => {
        item?.style.setProperty("--column", String(column + 1));
        item?.style.setProperty("--row", String(row + 1));
      }}
    >
      <div class={pc === null ? "seat vacant" : "seat"}>
        {pc === null ? (
          <>
            <span class="name">{seat}</span>
            <span class="state">{t("seat.empty")}</span>
          </>
        ) : (
          <SeatBody id={pc.id} />
        )}
      </div>
    </li>
  );
}
