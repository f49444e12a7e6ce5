/** One PC's cell on the wall. It is drawn anew when its own PC changes, and not with the others. */
import { useComputed } from "@preact/signals";
import { useApp } from "./app.ts";
import { seatCell } from "./seat-view.ts";
import { Bar, ShapeIcon } from "./ui.tsx";
import { byteRate, percent, t } from "./words.ts";

/** Equal texts are no change: then the cell is not drawn again. */
export function useSeat(id: string) {
  const { store } = useApp();
  const shown = useComputed(() => {
    const pc = store.pcs.get(id);
    if (pc === undefined) return null;
    const cell = seatCell(pc, store.parts.get(id));
    const { shape, wrong, fraction, writeBps } = cell;
    return JSON.stringify({
      ...{ name: pc.name, seat: pc.seat, shape, wrong },
      word: t(`word.${cell.word}`),
      // A hundredth is what can be seen of a bar.
      fraction: fraction === null ? null : Math.floor(fraction * 100) / 100,
      percent: fraction === null ? "" : percent(fraction),
      rate: writeBps === null ? "" : byteRate(writeBps),
    });
  });
  const text = shown.value;
  return text === null ? null : (JSON.parse(text) as SeatTexts);
}

interface SeatTexts {
  readonly name: string;
  readonly seat: string | null;
  readonly shape: Parameters<typeof ShapeIcon>[0]["shape"];
  readonly word: string;
  readonly wrong: string | null;
  readonly fraction: number | null;
  readonly percent: string;
  readonly rate: string;
}

/** What a cell shows, without what can be done with it. */
export function SeatBody({ id }: { id: string }) {
  const seat = useSeat(id);
  if (seat === null) return null;
  const { name, shape, word, wrong, fraction, rate } = seat;
  return (
    <>
      <span class="name">{name}</span>
      <span class={`state ${shape}`}>
        <ShapeIcon shape={shape} />
        <span class="word">{word}</span>
      </span>
      {fraction === null ? null : (
        <>
          <Bar fraction={fraction} />
          <span class="numbers">
            <span class="rate">{rate}</span> <span class="percent">{seat.percent}</span>
          </span>
        </>
      )}
      {wrong === null ? null : <span class="wrong">{wrong}</span>}
    </>
  );
}
