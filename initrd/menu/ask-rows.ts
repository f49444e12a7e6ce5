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
import { headerRow, noticeRows } from "./frame.ts";
import type { Page } from "./pages.ts";
import type { MenuView } from "./view.ts";

/** At the right end of the first page's bar. */
export function lockWord({ isLocked, unlocks }: MenuView): string {
  if (isLocked) return "LOCKED: needs the PIN";
  return unlocks === null ? "" : "U: instructor's PIN";
}

/** The title of the page on which a PIN is typed, and its keys. */
export function pinWords(
  { unlocks }: MenuView,
  { beyond }: Extract<Page, { name: "pin" }>,
): readonly [title: string, keys: string] {
  if (unlocks === "instructor") return ["The instructor's PIN", "Enter: unlock   Esc: back"];
  const instead = beyond === null ? "" : "   Tab: ask an operator instead";
  return ["This room has a PIN", `Enter: unlock${instead}   Esc: back`];
}

/** In a locked menu an image is named. */
export const imageNameRows = (value: string, columns: number): Row[] => [
  ...paragraph(
    "The menu is locked, so the images are not listed. Type the name of one, as NAME or NAME@VERSION; the server's operator is asked before anything happens.",
    columns,
  ),
  blank,
  [span(" Name of the image: ", "bold"), span(`${value}_`, "accent")],
];

/** What was asked for waits for an operator's yes. */
export function waitingRows(view: MenuView, what: string, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  const details = [
    ...paragraph("Waiting for the server's operator to say yes. This PC asks to:", columns, "bold"),
    blank,
    ...paragraph(what, columns),
    blank,
    ...paragraph("The console at the server rings. Nothing happens before the answer.", columns),
  ];
  const room = { columns: columns - 2, lines: lines - details.length - 6 };
  return screenful(
    {
      header: [headerRow(view, columns), blank],
      body: [...bigLetters("ASKED", room, "blockWarn"), blank, ...details],
      footer: [...noticeRows(view.notice, columns), barRow("Esc: withdraw", "", columns)],
    },
    size,
  );
}
