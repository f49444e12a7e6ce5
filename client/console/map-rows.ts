/** The seat map: every PC of a room at its place, with its state in words and a bar. */
import { barText } from "../../core/screen/format.ts";
import { stateOf } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { blank, cell, paragraph, type Row, type ScreenSize, span } from "../../core/screen/row.ts";
import type { Place, SeatMap } from "../../core/screen/seat-map.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf, wordText } from "./speech.ts";
import { chosenPc, type Ui } from "./state.ts";

/** Lines of a place: name, state, bar, and a blank one. */
const placeLines = 4;
const widest = 18;
/** `VERIFIED` and a margin: narrower cannot be read. */
const narrowest = 10;

/** At most `size.lines` rows: the part of the map around the PC under the cursor. */
export function mapRows(model: Model, ui: Ui, map: SeatMap, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  if (map.places.length === 0) return paragraph(speechOf(model).t("map.none"), columns);
  const room = columns - 2;
  const width = Math.min(widest, Math.max(narrowest, Math.floor(room / map.columns)));
  const across = Math.max(1, Math.floor(room / width));
  const down = Math.max(1, Math.floor((lines + 1) / placeLines));
  const chosen = chosenPc(model, ui);
  const at = map.places.find(({ pc }) => pc !== null && pc.id === chosen?.id);
  const firstColumn = firstOf(at?.column ?? 0, map.columns, across);
  const firstRow = firstOf(at?.row ?? 0, map.rows, down);
  const byPlace = new Map(map.places.map((place) => [`${place.column} ${place.row}`, place]));
  const rows: Row[] = [];
  for (let row = firstRow; row < Math.min(map.rows, firstRow + down); row++) {
    const cells = Array.from({ length: Math.min(across, map.columns - firstColumn) }, (_, index) =>
      placeCell(model, ui, byPlace.get(`${firstColumn + index} ${row}`), {
        width: width - 1,
        isChosen: (place) => place.pc !== null && place.pc.id === chosen?.id,
      }),
    );
    for (let part = 0; part < placeLines - 1; part++) {
      rows.push([span(" "), ...cells.flatMap((each) => [...(each[part] ?? []), span(" ")])]);
    }
    rows.push(blank);
  }
  return rows.slice(0, lines);
}

const firstOf = (at: number, count: number, room: number): number =>
  count <= room ? 0 : Math.min(Math.max(0, at - Math.floor(room / 2)), count - room);

function placeCell(
  model: Model,
  ui: Ui,
  place: Place | undefined,
  { width, isChosen }: { readonly width: number; isChosen(place: Place): boolean },
): Row[] {
  const speech = speechOf(model);
  const { t, percent } = speech;
  const empty = [span(" ".repeat(width))];
  if (place === undefined) return [empty, empty, empty];
  const { seat, pc } = place;
  if (pc === null)
    return [[span(cell(seat ?? "", width))], [span(cell(t("map.empty"), width))], empty];
  const mark = ui.marked.has(pc.id) ? "*" : "";
  const name = seat === null || seat === pc.name ? pc.name : `${seat} ${pc.name}`;
  const part = model.parts.get(pc.id);
  const state = stateOf(pc, part);
  const fraction = part !== undefined && state.isAtWork ? memberFraction(part.member) : null;
  const whole = wordText(state.word, speech);
  const share = fraction === null ? "" : percent(fraction).replace(" ", "");
  const word = share === "" ? whole : `${whole.slice(0, width - 1 - share.length)} ${share}`;
  const style = isChosen(place) ? "chosen" : "bold";
  return [
    [span(cell(`${mark}${name}`, width), style)],
    [span(cell(word, width), state.style)],
    fraction === null
      ? empty
      : [span(barAndRate(fraction, part?.member.writeBps ?? null, width, speech))],
  ];
}

/** `[####---] 98 MB/s`; the bare number of megabytes where there is no room for more. */
function barAndRate(
  fraction: number,
  writeBps: number | null,
  width: number,
  { byteRate, size }: ConsoleSpeech,
): string {
  if (writeBps === null) return barText(fraction, width);
  const whole = byteRate(writeBps);
  const rate = width >= whole.length + 8 ? whole : size(writeBps).replace(/[ Bo]/g, "");
  return `${barText(fraction, width - rate.length - 1)} ${rate}`;
}
