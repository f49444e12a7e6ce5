/** A room: its bar, what can be done with its PCs, and the PCs seat by seat or as a list. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Place, type SeatMap, seatMap } from "../../core/screen/seat-map.ts";
import { useApp } from "./app.ts";
import { ArrangeWall } from "./arrange.tsx";
import { EmptyRoom } from "./empty-room.tsx";
import { PcList } from "./pc-list.tsx";
import { filteredPcs, roomNames, roomSessions, toggled } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { SeatBody } from "./seat.tsx";
import { SessionLine } from "./session-line.tsx";
import { Toolbar } from "./toolbar.tsx";
import { Title } from "./ui.tsx";
import { number, t } from "./words.ts";

export function WallPage({ room }: { room: string | null }) {
  const app = useApp();
  const { store, view, isArranging } = app;
  const session = useComputed(() => roomSessions(store, room)[0]?.id ?? null);
  const isMap = room !== null && view.value === "map";
  return (
    <main class="wall-page">
      <Title>{room === null ? t("allPcs") : t("room.name", { room })}</Title>
      <RoomTabs room={room} />
      {session.value === null ? null : <SessionLine id={session.value} />}
      <Toolbar room={room} />
      {room !== null && isArranging.value ? (
        <ArrangeWall room={room} />
      ) : isMap ? (
        <SeatWall room={room} />
      ) : (
        <PcList room={room} />
      )}
    </main>
  );
}

/** The rooms, each with how many of its PCs are on. */
function RoomTabs({ room }: { room: string | null }) {
  const { store } = useApp();
  const count = useComputed(() => store.pcs.keys.size);
  return (
    <nav class="tabs" aria-label={t("rooms")}>
      <a
        href={hrefOf({ page: "wall", room: null })}
        aria-current={room === null ? "page" : undefined}
      >
        {t("all")} <span class="count">{number(count.value)}</span>
      </a>
      {roomNames(store).map((name) => (
        <RoomTab key={name} name={name} isShown={name === room} />
      ))}
    </nav>
  );
}

function RoomTab({ name, isShown }: { name: string; isShown: boolean }) {
  const { store } = useApp();
  const text = useComputed(() => {
    const room = store.rooms.get(name);
    return room === undefined ? "" : `${number(room.online)}/${number(room.pcs)}`;
  });
  return (
    <a href={hrefOf({ page: "wall", room: name })} aria-current={isShown ? "page" : undefined}>
      {name} <span class="count">{text}</span>
    </a>
  );
}

/** The map of the room as it is drawn, by a text that changes only when a PC moves, comes or goes. */
export function useSeatMap(room: string): SeatMap {
  const { store, filter } = useApp();
  const places = useComputed(() => {
    const pcs = filteredPcs(store, room, filter.value);
    const map = seatMap(store.rooms.get(room)?.seats ?? [], pcs);
    return JSON.stringify({
      ...map,
      places: map.places.map((place) => ({
        ...place,
        pc: place.pc === null ? null : { id: place.pc.id },
      })),
    });
  });
  return JSON.parse(places.value) as SeatMap;
}

const collator = new Intl.Collator("en", { numeric: true });
/** From the front row to the back, as they are read aloud. */
const inRows = (places: readonly Place[]): Place[] =>
  places.toSorted(
    (one, other) =>
      one.row - other.row ||
      one.column - other.column ||
      collator.compare(one.seat ?? "", other.seat ?? ""),
  );

/** In rem: below it a seat's texts do not stand beside each other, and the map becomes a flow. */
const narrowestRem = 7;
/** In pixels: the sizes of a seat's text on a projector. */
const seatFont = { least: 9, most: 72 };

/** Lays the seats out as they stand where there is room for that, and one after another where there is not. */
export function useLayout({ columns, rows }: SeatMap, isBeamer = false) {
  const wall = useRef<HTMLUListElement>(null);
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    const { current } = wall;
    setThere(current !== null);
    if (current === null) return;
    const lay = (): void => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const cell = current.clientWidth / Math.max(1, columns);
      // A projector shows the room as it stands as long as anything can be read.
      const isFlow = cell < narrowestRem * rem * (isBeamer ? 0.55 : 1);
      current.classList.toggle("flow", isFlow);
      if (!isBeamer) return;
      const height = current.clientHeight / Math.max(1, rows);
      const wished = isFlow ? rem * 0.875 : Math.min(cell * 0.094, height * 0.128);
      const font = Math.min(seatFont.most, Math.max(seatFont.least, wished));
      current.style.setProperty("--seat-font", `${font}px`);
    };
    current.style.setProperty("--columns", String(Math.max(1, columns)));
    const observer = new ResizeObserver(lay);
    observer.observe(current);
    return () => observer.disconnect();
  }, [columns, rows, isBeamer, isThere]);
  return wall;
}

export function SeatWall({ room }: { room: string }) {
  const map = useSeatMap(room);
  const wall = useLayout(map);
  if (map.places.length === 0) return <EmptyRoom room={room} />;
  const places = inRows(map.places);
  return (
    <ul class="seats" ref={wall} aria-label={t("seats.label", { room })}>
      {places.map((place) => (
        <SeatItem key={place.seat ?? place.pc?.id ?? ""} place={place} first={places[0]?.pc?.id} />
      ))}
    </ul>
  );
}

function SeatItem({ place, first }: { place: Place; first: string | undefined }) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    item.current?.style.setProperty("--column", String(place.column + 1));
    item.current?.style.setProperty("--row", String(place.row + 1));
  }, [place.column, place.row]);
  return (
    <li ref={item}>
      {place.pc === null ? (
        <div class="seat vacant">
          <span class="name">{place.seat}</span>
          <span class="state">{t("seat.empty")}</span>
        </div>
      ) : (
        <SeatButton id={place.pc.id} isFirst={place.pc.id === first} />
      )}
    </li>
  );
}

/** Enter opens the PC's page; space, or a click with a modifier, marks it. */
function SeatButton({ id, isFirst }: { id: string; isFirst: boolean }) {
  const { marked, chosen, store } = useApp();
  const isMarked = useComputed(() => marked.value.has(id));
  const isChosen = useComputed(() =>
    chosen.value === null || store.pcs.get(chosen.value) === undefined
      ? isFirst
      : chosen.value === id,
  );
  return (
    <button
      type="button"
      class="seat"
      data-pc={id}
      tabIndex={isChosen.value ? 0 : -1}
      aria-pressed={isMarked.value}
      onFocus={() => {
        chosen.value = id;
      }}
      onClick={(event) => {
        chosen.value = id;
        if (event.ctrlKey || event.metaKey || event.shiftKey || marked.value.size > 0)
          marked.value = toggled(marked.value, id);
        else location.hash = hrefOf({ page: "pc", id });
      }}
    >
      <SeatBody id={id} />
    </button>
  );
}
