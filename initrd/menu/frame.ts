/** What every screen of the menu has at its edges. */
import { barRow, paragraph, type Row, span } from "../../core/screen/row.ts";
import type { MenuView } from "./view.ts";

/** Name, room and server, on top of every screen. */
export function headerRow(view: MenuView, columns: number): Row {
  const { name, room, mac, ip } = view.pc;
  const left = [
    `roomcast  ${name ?? mac}`,
    room === null ? "" : `room ${room}`,
    ip ?? "no address",
  ];
  const right = {
    searching: "SEARCHING FOR THE SERVER",
    proving: "PROVING ITS KEY",
    connected: "server connected",
    lost: "SERVER LOST",
    "other-version": "SERVER OF ANOTHER VERSION",
    refused: "REFUSED BY THE SERVER",
    "other-key": "NOT THE RIGHT SERVER",
  }[view.server.state];
  return barRow(left.filter((part) => part !== "").join("  "), right, columns);
}

/** What the server, or the agent, has to say; nothing if it has not. */
export const noticeRows = (notice: string | null, columns: number): Row[] =>
  notice === null ? [] : paragraph(notice, columns, "warn").slice(0, 3);

/** A PIN that is being typed: how many digits, not which. */
export const pinRow = (value: string): Row => [
  span(" PIN: ", "bold"),
  span(`${"*".repeat(value.length)}_`, "accent"),
];
