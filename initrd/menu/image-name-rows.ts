/** The pages on which the name of a new image is typed. */
import { blank, line, paragraph, type Row, wrap } from "../../core/screen/row.ts";
import { foldedName, imageNameRule, nameFault } from "../../core/wire/names.ts";
import { fieldRow } from "./ask-rows.ts";
import { diskFacts } from "./disk-facts.ts";
import type { Page } from "./pages.ts";
import { speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

export function captureRows(
  page: Extract<Page, { name: "capture" }>,
  view: MenuView,
  columns: number,
): Row[] {
  const speech = speechOf(view);
  const { t } = speech;
  const names = [...new Set((view.images ?? []).map(({ name }) => name))];
  return [
    line(t("disk.onlyRead")),
    blank,
    ...diskFacts(page.disk, speech),
    blank,
    fieldRow(t("image.name"), page.value),
    ...nameNotes(page, view, columns),
    blank,
    ...(names.length === 0
      ? []
      : paragraph(t("name.known", { names: names.join(", ") }), columns).slice(0, 4)),
  ];
}

/** Of a live cast, which may also be stored. */
export function castNameRows(
  page: Extract<Page, { name: "castName" }>,
  view: MenuView,
  columns: number,
): Row[] {
  const speech = speechOf(view);
  const { t } = speech;
  return [
    line(t("disk.onlyRead")),
    blank,
    ...diskFacts(page.disk, speech),
    blank,
    ...paragraph(t("cast.store"), columns),
    fieldRow(t("image.name"), page.value),
    ...nameNotes(page, view, columns),
  ];
}

/** What is wrong with the typed name, or that an image has it already. */
function nameNotes(
  { value, refused }: { readonly value: string; readonly refused: boolean },
  view: MenuView,
  columns: number,
): Row[] {
  const { t, told } = speechOf(view);
  const fault = refused ? nameFault(imageNameRule, value) : null;
  if (fault !== null) {
    const { what, next } = fault;
    return wrap(`${told(`${what}; ${next}`)}.`, columns - 2).map((text) => line(text, "warn"));
  }
  const same = (view.images ?? []).find(({ name }) => foldedName(name) === foldedName(value));
  return [line(same ? t("name.newVersion", { image: same.name }) : "")];
}
