/** What every screen of the menu has at its edges. */
import { barRow, paragraph, type Row, span } from "../../core/screen/row.ts";
import { speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

/** Name, room and server, on top of every screen. */
export function headerRow(view: MenuView, columns: number): Row {
  const { name, room, mac, ip } = view.pc;
  const { t } = speechOf(view);
  const left = [
    `roomcast  ${name ?? mac}`,
    room === null ? "" : t("pc.inRoom", { room }),
    ip ?? t("pc.noAddress"),
  ];
  return barRow(
    left.filter((part) => part !== "").join("  "),
    t(`server.${view.server.state}`),
    columns,
  );
}

/** What the menu has to say; nothing if it has not. */
export const noticeRows = (notice: string | null, columns: number): Row[] =>
  notice === null ? [] : paragraph(notice, columns, "warn").slice(0, 3);

/** What the server, or the agent, has to say. */
export const serverNoticeRows = (view: MenuView, columns: number): Row[] =>
  noticeRows(view.notice === null ? null : speechOf(view).told(view.notice), columns);

/** A PIN that is being typed: how many digits, not which. */
export const pinRow = (value: string): Row => [
  span(" PIN: ", "bold"),
  span(`${"*".repeat(value.length)}_`, "accent"),
];
