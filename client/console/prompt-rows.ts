/** The dialogs in which a name is typed: of an image to capture, of a room, of a PC. */
import { diskLine } from "../../core/screen/disk.ts";
import { blank, cell, line, paragraph, type Row, type ScreenSize } from "../../core/screen/row.ts";
import { fieldRow } from "./field-row.ts";
import type { Model } from "./model.ts";
import { speechOf } from "./speech.ts";
import { namesOrCount, type Page, roomNames } from "./state.ts";

export function promptRows(
  model: Model,
  page: Extract<Page, { name: "prompt" }>,
  { columns }: ScreenSize,
): { body: Row[]; keys: string } {
  const names = namesOrCount(model, page.pcs, columns);
  const speech = speechOf(model);
  const { t } = speech;
  const field = fieldRow(t("field.name"), page.value, columns);
  switch (page.for) {
    case "capture": {
      const known = [...new Set([...model.images.values()].map(({ name }) => name))].sort();
      return {
        body: [
          ...paragraph(t("ask.capture", { names }), columns, "bold"),
          blank,
          ...(page.disk === null
            ? []
            : [
                line(cell(t("ask.onlyRead", { disk: diskLine(page.disk, speech) }), columns - 2)),
                blank,
              ]),
          field,
          line(known.includes(page.value) ? t("image.newVersion") : ""),
          blank,
          ...paragraph(
            known.length === 0 ? "" : t("ask.images", { names: known.join(", ") }),
            columns,
          ).slice(0, 4),
        ],
        keys: t("keys.capture"),
      };
    }
    case "create":
      return {
        body: [line(t("ask.create"), "bold"), blank, field],
        keys: t("keys.create"),
      };
    case "rename":
      return {
        body: [...paragraph(t("ask.rename", { names }), columns, "bold"), blank, field],
        keys: t("keys.rename"),
      };
    case "move": {
      const isNew = page.value !== "" && !model.rooms.has(page.value);
      return {
        body: [
          ...paragraph(t("ask.move", { names }), columns, "bold"),
          blank,
          field,
          line(isNew ? t("ask.newRoom") : ""),
          blank,
          ...paragraph(t("ask.rooms", { names: roomNames(model).join(", ") }), columns),
        ],
        keys: t("keys.move"),
      };
    }
  }
}
