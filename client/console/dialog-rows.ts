/** The console's dialogs. One that destroys data shows which disks, and asks for a typed word. */
import { diskLine } from "../../core/screen/disk.ts";
import { blank, cell, line, paragraph, type Row, type ScreenSize } from "../../core/screen/row.ts";
import { wipeMethods } from "../../core/screen/wipe.ts";
import { campusRows, elsewhereRows } from "./campus.ts";
import { placeOf } from "./choice.ts";
import { fieldRow } from "./field-row.ts";
import { helpRows } from "./help-rows.ts";
import { imageRows } from "./image-rows.ts";
import type { LongPage } from "./long-page.ts";
import type { Model } from "./model.ts";
import { writingRows } from "./notes.ts";
import { overwritePage } from "./overwrite-rows.ts";
import { promptRows } from "./prompt-rows.ts";
import { speechOf } from "./speech.ts";
import { namesOf, namesOrCount, type Page } from "./state.ts";
import { identities } from "./store-keys.ts";
import { roomPageRows, storeRows } from "./store-rows.ts";
import { confirmPage, wordPage } from "./word-rows.ts";

export type LongDialog = Extract<Page, { name: "help" | "overwrite" | "word" | "confirm" }>;
type Dialog = Exclude<Page, LongDialog | { name: "list" | "pc" | "look" | "session" | "filter" }>;

export const isLong = (page: Page): page is LongDialog =>
  ["help", "overwrite", "word", "confirm"].includes(page.name);

/** A text that may be longer than the screen, and the line about its keys. */
export function longDialog(
  model: Model,
  page: LongDialog,
  size: ScreenSize,
): { page: LongPage; keys: string } {
  const speech = speechOf(model);
  const { t } = speech;
  switch (page.name) {
    case "help": {
      const head = [line(t("help.title"), "bold"), blank];
      const text = helpRows(speech, size.columns);
      return { page: { head, text, foot: [], from: page.from }, keys: t("keys.help") };
    }
    case "overwrite":
      return { page: overwritePage(model, page, size), keys: t("keys.overwrite") };
    case "word":
      return { page: wordPage(page, speech, size), keys: t("keys.word") };
    case "confirm":
      return { page: confirmPage(page, size), keys: t("keys.yes") };
  }
}

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
    case "campus":
      return { body: campusRows(model, page, size), keys: t("keys.campus") };
    case "elsewhere":
      return { body: elsewhereRows(model, page, size), keys: t("keys.elsewhere") };
    case "disks": {
      const pc = model.pcs.get(page.pc);
      const disks = pc?.disks ?? [];
      const chosen = placeOf(
        page.chosen,
        disks.map(({ path }) => path),
      );
      const body = disks.map((disk, index) =>
        line(cell(diskLine(disk, speech), size.columns - 2), index === chosen ? "chosen" : "plain"),
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
          fieldRow(t("field.value"), page.value, size.columns),
        ],
        keys: t("keys.setting"),
      };
    case "command":
      return {
        body: [
          line(t("ask.command"), "bold"),
          blank,
          fieldRow("roomcast", page.value, size.columns),
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
              whom: page.targets.room ?? namesOrCount(model, page.targets.pcs, size.columns),
            }),
            size.columns,
            "bold",
          ),
          blank,
          fieldRow(t("field.image"), page.value, size.columns),
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
            t("ask.wipe", { names: namesOrCount(model, page.pcs, size.columns) }),
            size.columns,
            "bold",
          ),
          blank,
          ...wipeMethods.flatMap((method, index) =>
            paragraph(
              `${index + 1} ${t(`wipe.${method}`)}`,
              size.columns,
              index === page.chosen ? "chosen" : "plain",
            ),
          ),
        ],
        keys: t("keys.chooseNumber"),
      };
  }
}
