/** The menu's screens, as functions of its state. They are readable at 80×24, on a console without colour. */
import { diskLine } from "../../core/screen/disk.ts";
import {
  barRow,
  blank,
  line,
  type Row,
  type ScreenSize,
  screenful,
} from "../../core/screen/row.ts";
import { wipeMethodsOf } from "../../core/screen/wipe.ts";
import { imageNameRows, pinWords, waitingRows } from "./ask-rows.ts";
import { castRows } from "./cast-rows.ts";
import { findingRows } from "./check-rows.ts";
import { choiceRows, imageRows } from "./choice-rows.ts";
import { eraseRows } from "./erase-rows.ts";
import { headerRow, pinRow, serverNoticeRows } from "./frame.ts";
import { hardwareRows } from "./hardware-rows.ts";
import { homeRows, waitRows } from "./home-rows.ts";
import { captureRows, castNameRows } from "./image-name-rows.ts";
import { eraseWord, exits, type Page } from "./pages.ts";
import { speechOf } from "./speech.ts";
import { settled, workText } from "./state.ts";
import { taskRows } from "./task-rows.ts";
import type { MenuView } from "./view.ts";

/** The whole screen: exactly `size.lines` rows. */
export function rows(view: MenuView, before: Page, size: ScreenSize): Row[] {
  const page = settled(before, view);
  if (view.task !== null) return taskRows(view, view.task, page, size);
  if (view.waiting !== null) return waitingRows(view, view.waiting, size);
  const { columns } = size;
  const speech = speechOf(view);
  const { t } = speech;
  const frame = (title: string, body: readonly Row[], keys: string): Row[] =>
    screenful(
      {
        header: [headerRow(view, columns), line(title, "bold"), blank],
        body,
        footer: [...serverNoticeRows(view, columns), barRow(keys, "", columns)],
      },
      size,
    );
  switch (page.name) {
    case "home":
      return homeRows(view, page, size);
    case "wait":
      return waitRows(view, size);
    case "pin": {
      const [title, keys] = pinWords(view, page);
      return frame(title, [pinRow(page.value)], keys);
    }
    case "imageName":
      return frame(
        t("restore.which"),
        imageNameRows(page.value, speech, columns),
        t("keys.continue"),
      );
    case "images":
      return frame(t("item.r"), imageRows(view, page.chosen, size), t("keys.images"));
    case "disks":
      return frame(
        page.purpose.kind === "capture"
          ? t("capture.whichDisk")
          : page.purpose.kind === "cast"
            ? t("cast.whichDisk")
            : t("work.whichDisk", { work: capital(workText(page.purpose, t)) }),
        choiceRows(
          view.disks.map((disk) => diskLine(disk, speech)),
          page.chosen,
          columns,
        ),
        t("keys.choose"),
      );
    case "erase":
      return frame(
        capital(workText(page.work, t)),
        eraseRows(page, speech, columns),
        t("keys.erase", { word: eraseWord }),
      );
    case "castName":
      return frame(t("cast.title"), castNameRows(page, view, columns), t("keys.continue"));
    case "cast":
      return frame(t("cast.title"), castRows(page, view, size), t("keys.cast"));
    case "methods":
      return frame(
        t("erase.how"),
        choiceRows(
          wipeMethodsOf(view.disks).map((method) => t(`wipe.${method}`)),
          page.chosen,
          columns,
        ),
        t("keys.choose"),
      );
    case "exits":
      return frame(
        t("exit.title"),
        choiceRows(
          exits.map(({ letter }) => `${letter.toUpperCase()}  ${t(`exit.${letter}`)}`),
          page.chosen,
          columns,
        ),
        t("keys.exits"),
      );
    case "hardware":
      return frame(t("item.h"), hardwareRows(view, columns), t("keys.back"));
    case "check":
      return frame(t("item.n"), findingRows(view.check ?? [], speech, columns), t("keys.check"));
    case "capture":
      return frame(t("item.c"), captureRows(page, view, columns), t("keys.start"));
    case "power":
      return frame(t(`power.${page.action}`), [], t("keys.yes"));
    case "stop":
      return homeRows(view, { name: "home", chosen: 0, said: null }, size);
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
