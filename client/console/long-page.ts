/** A page whose text may be longer than the screen: keys move it between a head and a foot that stay. */
import { type Key, moved } from "../../core/screen/keys.ts";
import { line, type Row } from "../../core/screen/row.ts";
import type { ConsoleSpeech } from "./speech.ts";

export interface LongPage {
  readonly head: readonly Row[];
  readonly text: readonly Row[];
  readonly foot: readonly Row[];
  /** First row of the text that is asked for: past its end after a key, or on a larger screen. */
  readonly from: number;
}

/** How many rows of the text are shown in `lines` of the screen: one less where not all of them fit. */
export function textLines({ head, text, foot }: LongPage, lines: number): number {
  const room = Math.max(1, lines - head.length - foot.length);
  return text.length <= room ? text.length : Math.max(1, room - 1);
}

/** The first row of the text that is shown. */
export const shownFrom = (page: LongPage, lines: number): number =>
  Math.max(0, Math.min(page.from, page.text.length - textLines(page, lines)));

const moves: readonly string[] = ["up", "down", "pageup", "pagedown", "home", "end"];

/** Where a text begins after a key that moves it; null: the key is another. `page`: how many of its rows are shown. */
export const scrolled = (from: number, key: Key, page: number): number | null =>
  moves.includes(key.name) ? moved(from, key, Number.MAX_SAFE_INTEGER, page) : null;

/** What does not fit is said to be there; the foot is shown whatever else is not. */
export function longRows(page: LongPage, lines: number, { t }: ConsoleSpeech): Row[] {
  const { head, text, foot } = page;
  const shown = textLines(page, lines);
  const from = shownFrom(page, lines);
  const below = text.length - from - shown;
  const rest =
    below === 0
      ? t("long.end")
      : from === 0
        ? t("long.below", { count: below })
        : t("long.between", { count: below, above: from });
  const more = shown === text.length ? [] : [line(rest, "accent")];
  const all = [...head, ...text.slice(from, from + shown), ...more];
  return [...all.slice(0, Math.max(0, lines - foot.length)), ...foot];
}
