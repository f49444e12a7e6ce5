/** The console's dialogs. One that destroys data shows which disks, and asks for a typed word. */
import { diskLine } from "../../core/screen/disk.ts";
import { blank, cell, line, paragraph, type Row, type ScreenSize } from "../../core/screen/row.ts";
import { wipeMethods } from "../../core/screen/wipe.ts";
import { campusRows, elsewhereRows } from "./campus.ts";
import { fieldRow } from "./field-row.ts";
import { imageRows } from "./image-rows.ts";
import type { Model } from "./model.ts";
import { writingRows } from "./notes.ts";
import { overwriteRows } from "./overwrite-rows.ts";
import { promptRows } from "./prompt-rows.ts";
import { speechOf } from "./speech.ts";
import { namesOf, type Page } from "./state.ts";
import { identities } from "./store-keys.ts";
import { roomPageRows, storeRows, wordRows } from "./store-rows.ts";

type Dialog = Exclude<Page, { name: "list" | "pc" | "look" | "session" | "help" | "filter" }>;

/** A dialog's body, and the line about its keys; `room`: the one that is shown. */
export function dialogRows(
  model: Model,
  page: Dialog,
  room: string | null,
  size: ScreenSize,
): { body: Row[]; keys: string } {
  const speech = speechOf(model);
  const { t } = speech;
  switch (page.name) {
    case "images":
      return {
        body: imageRows(model, page, size),
        keys: t("keys.images"),
      };
    case "overwrite":
      return {
        body: overwriteRows(model, page, size),
        keys: t("keys.overwrite"),
      };
    case "campus":
      return { body: campusRows(model, page, size), keys: t("keys.campus") };
    case "elsewhere":
      return { body: elsewhereRows(model, page, size), keys: t("keys.elsewhere") };
    case "disks": {
      const pc = model.pcs.get(page.pc);
      const body = (pc?.disks ?? []).map((disk, index) =>
        line(
          cell(diskLine(disk, speech), size.columns - 2),
          index === page.chosen ? "chosen" : "plain",
        ),
      );
      const title = line(t("ask.disk", { pc: pc?.name ?? "?" }), "bold");
      return { body: [title, blank, ...body], keys: t("keys.choose") };
    }
    case "prompt":
      return promptRows(model, page, size);
    case "store":
      return {
        body: storeRows(model, page.chosen, size),
        keys: t("keys.store"),
      };
    case "notes":
      return { body: writingRows(model, page, size), keys: t("keys.notes") };
    case "room":
      return {
        body: roomPageRows(model, room, page.chosen, size),
        keys: t("keys.room"),
      };
    case "setting":
      return {
        body: [
          line(t("setting.of", { setting: page.key, room: room ?? "?" }), "bold"),
          blank,
          fieldRow(t("field.value"), page.value),
        ],
        keys: t("keys.setting"),
      };
    case "command":
      return {
        body: [
          line(t("ask.command"), "bold"),
          blank,
          fieldRow("roomcast", page.value),
          blank,
          line(t("ask.commandHelp")),
        ],
        keys: t("keys.command"),
      };
    case "cast":
      return {
        body: [
          ...paragraph(
            t("ask.cast", {
              pc: namesOf(model, [page.sender]).join(""),
              whom: page.targets.room ?? namesOf(model, page.targets.pcs).join(", "),
            }),
            size.columns,
            "bold",
          ),
          blank,
          fieldRow(t("field.image"), page.value),
          line(t("ask.castEmpty")),
        ],
        keys: t("keys.continue"),
      };
    case "identity": {
      const pc = model.pcs.get(page.pc);
      const all = pc === undefined ? [] : identities(pc, speech);
      return {
        body: [
          ...paragraph(
            t("ask.identity", { pc: pc?.name ?? "?", mac: pc?.mac ?? "?" }),
            size.columns,
            "bold",
          ),
          blank,
          ...all.map(({ text }, index) =>
            line(`${index + 1}  ${text}`, index === page.chosen ? "chosen" : "plain"),
          ),
        ],
        keys: t("keys.chooseNumber"),
      };
    }
    case "methods":
      return {
        body: [
          ...paragraph(
            t("ask.wipe", { names: namesOf(model, page.pcs).join(", ") }),
            size.columns,
            "bold",
          ),
          blank,
          ...wipeMethods.map((method, index) =>
            line(
              `${index + 1}  ${t(`wipe.${method}`)}`,
              index === page.chosen ? "chosen" : "plain",
            ),
          ),
        ],
        keys: t("keys.chooseNumber"),
      };
    case "word":
      return { body: wordRows(page, speech, size), keys: t("keys.word") };
    case "confirm":
      return {
        body: [
          ...paragraph(page.question, size.columns, "bold"),
          blank,
          ...page.warnings.flatMap((warning) => paragraph(warning, size.columns, "warn")),
        ],
        keys: t("keys.yes"),
      };
  }
}
