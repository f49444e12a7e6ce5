/** The seats of a room are put where they stand, by dragging them or with the arrow keys. */
import { useComputed } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Seat } from "../../core/wire/rooms.ts";
import { send } from "./api.ts";
import { useApp } from "./app.ts";
import { Button, Trouble } from "./ui.tsx";
import { number, t } from "./words.ts";

/** Free places beyond the last seat, so that there is somewhere to drag to. */
const margin = 1;

export function ArrangeWall({ room }: { room: string }) {
  const app = useApp();
  const { store, isArranging } = app;
  const [moved, setMoved] = useState<ReadonlyMap<string, Seat>>(new Map());
  // All others stand where they stand now: a seat walk, or somebody else, may draw some meanwhile.
  const seatsWith = (own: ReadonlyMap<string, Seat>): readonly Seat[] =>
    (store.rooms.get(room)?.seats ?? []).map(
      ({ name, column, row }) => own.get(name) ?? { name, column, row },
    );
  const seats = seatsWith(moved);
  const [error, setError] = useState<unknown>(null);
  const [said, setSaid] = useState("");
  const grid = useRef<HTMLUListElement>(null);
  const columns = Math.max(0, ...seats.map(({ column }) => column + 1)) + margin;
  const rows = Math.max(0, ...seats.map(({ row }) => row + 1)) + margin;
  useEffect(() => {
    grid.current?.style.setProperty("--columns", String(columns));
  }, [columns]);
  const place = (name: string, column: number, row: number): void => {
    if (column < 0 || row < 0 || column > 199 || row > 199) return;
    setMoved((before) => {
      const now = movedSeats(seatsWith(before), { name, column, row });
      return new Map([...before, ...now.map((seat) => [seat.name, seat] as const)]);
    });
    setSaid(t("arrange.moved", { seat: name, column: number(column + 1), row: number(row + 1) }));
  };
  const save = async (): Promise<void> => {
    try {
      await send({
        method: "put",
        path: `/rooms/${encodeURIComponent(room)}/seats`,
        body: { seats: seatsWith(moved) },
      });
      isArranging.value = false;
      app.said.value = { text: t("arrange.saved", { room }), isGood: true };
    } catch (cause) {
      setError(cause);
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    const name = event.dataTransfer?.getData("text/plain") ?? "";
    const { current } = grid;
    if (current === null || !seats.some((seat) => seat.name === name)) return;
    const box = current.getBoundingClientRect();
    const isMirrored = getComputedStyle(current).direction === "rtl";
    const along = isMirrored ? box.right - event.clientX : event.clientX - box.left;
    const column = Math.min(columns - 1, Math.floor((along / box.width) * columns));
    const row = Math.min(rows - 1, Math.floor(((event.clientY - box.top) / box.height) * rows));
    place(name, column, row);
  };
  return (
    <section class="arrange" aria-label={t("arrange")}>
      <p>{t("arrange.how")}</p>
      <p class="unseen" role="status">
        {said}
      </p>
      <ul
        class="seats places"
        ref={grid}
        onDragOver={(event) => event.preventDefault()}
        onDrop={drop}
      >
        {seats.map((seat) => (
          <SeatPlace key={seat.name} seat={seat} room={room} onMove={place} />
        ))}
      </ul>
      <Trouble error={error} />
      <div class="toolbar">
        <Button kind="main" onClick={() => void save()}>
          {t("save")}
        </Button>
        <Button
          onClick={() => {
            isArranging.value = false;
          }}
        >
          {t("cancel")}
        </Button>
      </div>
    </section>
  );
}

/** The seats that move when this one comes here: another whose place it is gets the place that it leaves. */
function movedSeats(seats: readonly Seat[], to: Seat): readonly Seat[] {
  const from = seats.find(({ name }) => name === to.name);
  if (from === undefined) return [];
  const others = seats.filter(
    ({ name, column, row }) => name !== to.name && column === to.column && row === to.row,
  );
  return [to, ...others.map(({ name }) => ({ ...from, name }))];
}

const ways: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function SeatPlace({
  seat,
  room,
  onMove,
}: {
  seat: Seat;
  room: string;
  onMove: (name: string, column: number, row: number) => void;
}) {
  const { store } = useApp();
  const item = useRef<HTMLLIElement>(null);
  const pc = useComputed(() => {
    const id = store.rooms.get(room)?.seats.find(({ name }) => name === seat.name)?.pc ?? null;
    return id === null ? "" : (store.pcs.get(id)?.name ?? "");
  });
  const { name, column, row } = seat;
  useEffect(() => {
    item.current?.style.setProperty("--column", String(column + 1));
    item.current?.style.setProperty("--row", String(row + 1));
  }, [column, row]);
  return (
    <li ref={item}>
      <button
        type="button"
        class="seat"
        draggable
        onDragStart={(event) => event.dataTransfer?.setData("text/plain", name)}
        onKeyDown={(event) => {
          const way = ways[event.key];
          if (way === undefined) return;
          event.preventDefault();
          onMove(name, column + way[0], row + way[1]);
        }}
      >
        <span class="name">{name}</span>
        <span class="state">{pc}</span>
        <span class="unseen">{t("arrange.at", { column: column + 1, row: row + 1 })}</span>
      </button>
    </li>
  );
}
