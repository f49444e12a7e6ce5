/** What the menu shows of its lock, and of what waits for an operator. */
import { bigLetters } from "../../core/screen/letters.ts";
import {
  barRow,
  blank,
  paragraph,
  type Row,
  type ScreenSize,
  screenful,
  span,
} from "../../core/screen/row.ts";
import { headerRow, serverNoticeRows } from "./frame.ts";
import type { Page } from "./pages.ts";
import { type MenuSpeech, speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

/** At the right end of the first page's bar. */
export function lockWord(view: MenuView): string {
  const { t } = speechOf(view);
  if (view.isLocked) return t("lock.locked");
  return view.unlocks === null ? "" : t("lock.instructor");
}

/** The title of the page on which a PIN is typed, and its keys. */
export function pinWords(
  view: MenuView,
  { beyond }: Extract<Page, { name: "pin" }>,
): readonly [title: string, keys: string] {
  const { t } = speechOf(view);
  if (view.unlocks === "instructor") return [t("pin.instructor"), t("keys.unlock")];
  return [t("pin.room"), t(beyond === null ? "keys.unlock" : "keys.unlockOrAsk")];
}

/** In a locked menu an image is named. */
export const imageNameRows = (value: string, { t }: MenuSpeech, columns: number): Row[] => [
  ...paragraph(t("restore.locked"), columns),
  blank,
  fieldRow(t("image.name"), value),
];

/** What is typed, behind its name. */
export const fieldRow = (name: string, value: string): Row => [
  span(` ${name} `, "bold"),
  span(`${value}_`, "accent"),
];

/** What was asked for waits for an operator's yes. */
export function waitingRows(view: MenuView, what: string, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  const { t, told } = speechOf(view);
  const details = [
    ...paragraph(t("ask.waiting"), columns, "bold"),
    blank,
    ...paragraph(told(what), columns),
    blank,
    ...paragraph(t("ask.rings"), columns),
  ];
  const room = { columns: columns - 2, lines: lines - details.length - 6 };
  return screenful(
    {
      header: [headerRow(view, columns), blank],
      body: [...bigLetters(t("big.asked"), room, "blockWarn"), blank, ...details],
      footer: [...serverNoticeRows(view, columns), barRow(t("keys.withdraw"), "", columns)],
    },
    size,
  );
}
