import { memberBootText } from "../../core/screen/boots.ts";
import {
  dateText,
  durationText,
  lossText,
  secondsBetween,
  sizeText,
} from "../../core/screen/format.ts";
import { doneWord } from "../../core/screen/pc-state.ts";
import { resultCounts } from "../../core/screen/progress.ts";
import { bytesDone, membersByResult, resultWord, sentence } from "../../core/screen/report.ts";
import { csvLine, safeCell } from "../../core/units/csv.ts";
import { printable } from "../../core/units/printable.ts";
import type { HistoryEvent } from "../../core/wire/api.ts";
import type { MemberView, SessionKind, SessionView } from "../../core/wire/views.ts";

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
  ["boot", ({ boot }) => boot?.state ?? ""],
  ["bootSeconds", ({ boot }) => boot?.seconds ?? ""],
  ["bootName", ({ boot }) => boot?.name ?? ""],
  ["bootSystem", ({ boot }) => boot?.system ?? ""],
  ["bootEvidence", ({ boot }) => boot?.evidence ?? ""],
];

/** RFC 4180: a heading, then a line per PC. A text that would be taken for a formula gets an apostrophe. */
export function reportCsv(session: SessionView): string {
  const shown = (cell: string | number): string =>
    typeof cell === "string" ? safeCell(printable(cell)) : String(cell);
  const rows = session.members.map((member) => columns.map(([, cell]) => shown(cell(member))));
  return [columns.map(([title]) => title), ...rows].map(csvLine).join("\r\n");
}

/** What the printed table of a session has, in words. */
const printedOf = (kind: SessionKind): readonly [string, (member: MemberView) => string][] => [
  ["PC", (member) => member.name],
  ["Result", (member) => resultWord(member, kind)],
  ["Disk", ({ disk }) => (disk === null ? "" : `${disk.path}, ${sizeText(disk.size)}`)],
  ["Model and serial", ({ disk }) => [disk?.model, disk?.serial].filter(Boolean).join(", ")],
  [doneTitle[kind], (member) => sizeText(bytesDone(member, kind))],
  ["Loss", ({ lossRatio }) => (lossRatio === null ? "" : lossText(lossRatio))],
  [
    "Time",
    ({ startedAt, endedAt }) =>
      startedAt === null || endedAt === null
        ? ""
        : durationText(secondsBetween(startedAt, endedAt)),
  ],
  [
    "Came up",
    (member) => {
      const text = memberBootText(member);
      const evidence = member.boot?.state === "up" ? member.boot.evidence : null;
      return evidence === null ? text : `${text}: ${evidence}`;
    },
  ],
  [
    "Remarks",
    ({ reason, steps }) =>
      [reason, ...steps.map((step) => stepText(step, kind))].filter(Boolean).join("; "),
  ],
];

const doneTitle = { restore: "Written", cast: "Written", capture: "Read", wipe: "Wiped" } as const;

/** How a disk was wiped, and what was read back of it, is what the sheet is kept for. */
const stepText = (
  { name, result, detail }: MemberView["steps"][number],
  kind: SessionKind,
): string =>
  result === "done" && kind !== "wipe" ? `${name} done` : `${name} ${result}: ${detail}`;

const style = `
@page { size: A4 landscape; margin: 12mm }
body { font: 10pt/1.4 "Liberation Sans", Arial, sans-serif; margin: 1.5em; color: #000 }
h1 { font-size: 16pt; margin: 0 0 .2em }
h2 { font-size: 12pt; margin: 1.4em 0 .3em }
.sentence { font-size: 13pt; font-weight: bold; border: 2px solid #000; padding: .5em .8em; margin: .8em 0 }
dl { display: grid; grid-template-columns: max-content auto; gap: .1em 1.2em; margin: 0 0 1em }
dt { font-weight: bold } dd { margin: 0 }
table { border-collapse: collapse; width: 100% }
thead { display: table-header-group }
tr { break-inside: avoid }
th, td { border: 1px solid #777; padding: .25em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { background: #e6e6e6 }
td.result { font-weight: bold; white-space: nowrap }
tr.failed td { background: #fde2e0 } tr.stopped td { background: #fff3d6 }
footer { margin-top: 1.5em; font-size: 8.5pt; color: #444; overflow-wrap: anywhere }
@media print { body { margin: 0 } th, tr.failed td, tr.stopped td { print-color-adjust: exact } }
`;

/**
 * One page that prints on A4 and refers to nothing outside of it. Of the session's `events`, it shows
 * those of PCs that are not verified.
 */
export function reportHtml(session: SessionView, events: readonly HistoryEvent[]): string {
  const title = `Session ${session.id}: ${session.kind} of ${session.image ?? "a disk"}`;
  const { verified, failed, stopped } = resultCounts(session);
  const isSent = session.kind === "restore" || session.kind === "cast";
  const repairs = sizeText(session.repairBytes);
  const sent: [string, string] = [
    "Sent",
    `${sizeText(session.bytesSent)}, of which ${repairs} were repairs`,
  ];
  const facts: readonly [string, string][] = [
    ["Room", session.room ?? "single PCs"],
    ["Image", session.image ?? ""],
    ["Started", `${dateText(session.startedAt)} UTC`],
    [
      "Ended",
      session.endedAt === null
        ? "still running"
        : `${dateText(session.endedAt)} UTC, after ${durationText(secondsBetween(session.startedAt, session.endedAt))}`,
    ],
    [
      "PCs",
      `${session.members.length}: ${verified} ${doneWord[session.kind].toLowerCase()}, ${failed} failed, ${stopped} stopped`,
    ],
    ...(isSent ? [sent] : []),
  ];
  const good = new Set(
    session.members.filter(({ result }) => result === "verified").map(({ pc }) => pc),
  );
  const told = events.filter(({ pc }) => pc !== null && !good.has(pc));
  const columns = printedOf(session.kind);
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>`,
    `<style>${style}</style></head><body><h1>${escapeHtml(title)}</h1>`,
    `<p class="sentence">${escapeHtml(sentence(session))}</p>`,
    `<dl>${facts.map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text)}</dd>`).join("")}</dl>`,
    `<table><thead><tr>${columns.map(([name]) => `<th>${name}</th>`).join("")}</tr></thead><tbody>`,
    ...membersByResult(session).map((member) => memberRow(member, columns)),
    "</tbody></table>",
    ...(told.length === 0 ? [] : ["<h2>What happened on the PCs that are not verified</h2>"]),
    ...(told.length === 0 ? [] : [eventTable(told)]),
    `<footer>${escapeHtml(meaning(session))} roomcast</footer>`,
    "</body></html>",
  ].join("\n");
}

/** What the word of a PC that is done stands for in this session. */
function meaning({ kind, members }: SessionView): string {
  const done = members.filter(({ result }) => result === "verified");
  if (done.length === 0) return "";
  const word = doneWord[kind];
  if (kind === "capture") return `${word} means that the server has stored all of the image.`;
  if (kind === "wipe")
    return `${word} means that the PC has wiped the disk, and has read back of it what the remarks say.`;
  const roots = [...new Set(done.flatMap(({ rootHash }) => rootHash ?? []))];
  const root = `the image's root hash${roots.length === 1 ? ` ${roots[0]}` : ""}`;
  return done.some(({ bytesVerified }) => bytesVerified === null)
    ? `${word} means that every chunk was checked before it was written, and that together they have ${root}. Nothing was read back from the disk.`
    : `${word} means that every chunk was written, and that what was read back from the disk has ${root}.`;
}

function memberRow(member: MemberView, columns: ReturnType<typeof printedOf>): string {
  const cells = columns.map(([name, text]) => {
    const kind = name === "Result" ? ' class="result"' : "";
    return `<td${kind}>${escapeHtml(text(member))}</td>`;
  });
  return `<tr class="${member.result}">${cells.join("")}</tr>`;
}

const eventTable = (events: readonly HistoryEvent[]): string =>
  [
    "<table><thead><tr><th>Time (UTC)</th><th>PC</th><th>What</th></tr></thead><tbody>",
    ...events.map(({ at, pc, pcName, text }) => {
      const cells = [at.slice(0, 19).replace("T", " "), pcName ?? pc ?? "", text];
      return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`;
    }),
    "</tbody></table>",
  ].join("\n");

/** Text from elsewhere, for a page. */
export const escapeHtml = (text: string): string =>
  printable(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
