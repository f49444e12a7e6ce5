import { sentence } from "../../core/screen/report.ts";
import type { MemberView, SessionView } from "../../core/wire/views.ts";

const columns: readonly [string, (member: MemberView) => string | number][] = [
  ["pc", (member) => member.name],
  ["result", (member) => member.result],
  ["reason", (member) => member.reason ?? ""],
  ["disk", (member) => member.disk?.path ?? ""],
  ["model", (member) => member.disk?.model ?? ""],
  ["serial", (member) => member.disk?.serial ?? ""],
  ["bytesWritten", (member) => member.bytesWritten],
  ["lossRatio", (member) => member.lossRatio ?? ""],
  ["startedAt", (member) => member.startedAt ?? ""],
  ["endedAt", (member) => member.endedAt ?? ""],
  ["rootHash", (member) => member.rootHash ?? ""],
];

/** RFC 4180: a heading, then a line a PC. */
export function reportCsv(session: SessionView): string {
  const quote = (cell: string | number): string =>
    /[",\r\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell);
  const rows = session.members.map((member) => columns.map(([, cell]) => quote(cell(member))));
  return [columns.map(([title]) => title), ...rows].map((row) => row.join(",")).join("\r\n");
}

/** One page that prints: nothing outside of it is referred to. */
export function reportHtml(session: SessionView): string {
  const row = (tag: string, cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  const title = `Session ${session.id}: ${session.kind} of ${session.image ?? ""}`;
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>`,
    "<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}",
    "td,th{border:1px solid #888;padding:.3em .6em;text-align:left;vertical-align:top}</style>",
    `<h1>${escapeHtml(title)}</h1>`,
    `<p><strong>${escapeHtml(sentence(session))}</strong></p>`,
    `<p>${escapeHtml(`${session.startedAt} to ${session.endedAt ?? "now"}`)}</p>`,
    "<table>",
    row(
      "th",
      columns.map(([name]) => name),
    ),
    ...session.members.map((member) =>
      row(
        "td",
        columns.map(([, cell]) => escapeHtml(String(cell(member)))),
      ),
    ),
    "</table></html>",
  ].join("\n");
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
