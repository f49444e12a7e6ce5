/** The page on which notes on an image are written. */
import { imageName } from "../../core/image/manifest.ts";
import { type Key, typedLetter } from "../../core/screen/keys.ts";
import { blank, line, paragraph, type Row, type ScreenSize } from "../../core/screen/row.ts";
import { imageNotesLimit } from "../../core/wire/image-notes.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import { type Page, toBase, type Ui } from "./state.ts";
import { open, type Step } from "./step.ts";

type NotesPage = Extract<Page, { name: "notes" }>;

/** Rows of the page of the images that notes may take. */
const shownLimit = 5;

/** The notes of the image under the cursor. */
export function notesRows({ notes }: ImageView, { t }: ConsoleSpeech, columns: number): Row[] {
  const rows = linesOf(notes, columns);
  if (rows.length <= shownLimit) return rows;
  const shown = rows.slice(0, shownLimit - 1);
  return [...shown, line(t("list.andMore", { count: rows.length - shown.length }))];
}

const linesOf = (notes: string, columns: number): Row[] =>
  notes === ""
    ? []
    : notes
        .split("\n")
        .flatMap((text) => (text === "" ? [blank] : paragraph(text, columns, "accent")));

export function writingRows(
  model: Model,
  { image, value }: NotesPage,
  { columns, lines }: ScreenSize,
): Row[] {
  const { t } = speechOf(model);
  const found = model.images.get(image);
  if (found === undefined) return [line(t("image.gone"))];
  const title = paragraph(t("notes.of", { image: imageName(found) }), columns, "bold");
  // The title of the screen, its keys and what was said last are around all of this.
  const room = Math.max(1, lines - title.length - 4);
  return [...title, blank, ...linesOf(`${value}_`, columns).slice(-room)];
}

export function pressAtNotes(model: Model, ui: Ui, page: NotesPage, key: Key): Step {
  const image = model.images.get(page.image);
  if (image === undefined) return { ui: toBase(ui), effect: null };
  if (key.name !== "C-s") return open(ui, { ...page, value: written(page.value, key) });
  const { t } = speechOf(model);
  const path = `/images/${encodeURIComponent(image.id)}`;
  const calls: Call[] = [{ method: "patch", path, body: { notes: page.value.trimEnd() } }];
  const done = t("notes.done", { image: imageName(image) });
  const chosen = { id: image.id, at: 0 };
  return { ui: { ...ui, page: { name: "store", chosen } }, effect: { type: "calls", calls, done } };
}

/** Enter begins a line, as in what is pasted: of that no line may be taken for a command. */
function written(value: string, key: Key): string {
  const text = { enter: "\n", tab: " " }[key.name] ?? key.text;
  return typedLetter(value, { ...key, text }, imageNotesLimit);
}
