/** The page of one session: how far the room is, which PC holds it up and why, and every PC's part. */
import { bootCounts, bootStyle, memberBootText } from "../../core/screen/boots.ts";
import { diskIdentity } from "../../core/screen/disk.ts";
import { fittingText } from "../../core/screen/fit.ts";
import {
  barText,
  byteRateText,
  dateText,
  durationText,
  linkRateText,
  lossText,
  percentText,
  secondsBetween,
  sizeText,
} from "../../core/screen/format.ts";
import { isRunning } from "../../core/screen/pc-state.ts";
import {
  memberFraction,
  resultCounts,
  sessionFraction,
  slowest,
} from "../../core/screen/progress.ts";
import { sentence } from "../../core/screen/report.ts";
import {
  blank,
  cell,
  cut,
  factRow,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  type Style,
  span,
} from "../../core/screen/row.ts";
import type { MemberView, SessionView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";
import { byName } from "./state.ts";

/** Lines that are not PCs: title, facts, heading, and the edges of the screen. */
const frameLines = 12;

/** How many PCs the page shows at once. */
export const sessionPage = (size: ScreenSize): number => Math.max(1, size.lines - frameLines);

const barWidth = (columns: number): number => (columns < 100 ? 9 : 19);

/** `from`: the first of the session's PCs that is shown. */
export function sessionRows(
  model: Model,
  session: SessionView,
  from: number,
  size: ScreenSize,
): Row[] {
  const { columns } = size;
  const members = membersOf(session);
  const shown = members.slice(from, from + sessionPage(size));
  const more = members.length > shown.length ? `  (${from + 1} to ${from + shown.length})` : "";
  const heading = `${cell("PC", 14)} ${cell("State", 12)} ${cell("Progress", barWidth(columns) + 7)}${cell("Disk rate", 11, "right")}${cell("Loss", 8, "right")}  `;
  return [
    ...factRows(model, session, columns),
    blank,
    line(cell(`${heading}Disk${more}`, columns - 2), "bold"),
    ...shown.map((member) => memberRow(member, session, columns)),
  ];
}

/** PCs that failed come first, then those that are at work, then those that are done. */
export function membersOf(session: SessionView): MemberView[] {
  const order = { failed: 0, stopped: 1, pending: 2, verified: 3 };
  return [...session.members].sort(
    (one, other) => order[one.result] - order[other.result] || byName.compare(one.name, other.name),
  );
}

function factRows(model: Model, session: SessionView, columns: number): Row[] {
  const fact = (title: string, text: string, style: Style = "plain"): Row =>
    factRow(title, text, { columns, titleWidth: 10 }, style);
  const { id, kind, image, room, state, startedAt, endedAt, rateBps } = session;
  const { bytesSent, repairBytes, passes } = session;
  const whom = room ?? (session.members.length === 1 ? session.members[0]?.name : "chosen PCs");
  const counts = resultCounts(session);
  const title = line(
    cut(`${id}  ${kind} of ${image ?? "?"}, ${whom ?? "?"}: ${state.toUpperCase()}`, columns - 2),
    "bold",
  );
  if (endedAt !== null) {
    const took = durationText(secondsBetween(startedAt, endedAt));
    const good = counts.verified === session.members.length;
    return [
      title,
      ...paragraph(sentence(session), columns, good ? "good" : "bad").slice(0, 3),
      fact("Time", `${dateText(startedAt)} to ${dateText(endedAt)} UTC, ${took}`),
      fact("Sent", sentText(bytesSent, repairBytes, passes)),
    ];
  }
  const fraction = sessionFraction(session);
  const left = session.secondsLeft;
  const slow = slowest(session, (pc) => model.pcs.get(pc)?.nic.speedMbps ?? null);
  const notices = session.notices.flatMap((notice) =>
    paragraph(notice, columns, "bad").slice(0, 2),
  );
  const there = session.members.filter((member) => member.state !== "offline").length;
  const boots = bootCounts(session);
  return [
    title,
    fact(
      "Progress",
      fittingText(session) ??
        `${barText(fraction, Math.min(40, columns - 50))} ${percentText(fraction)}${left === null || left === 0 ? "" : `   ${durationText(left)} left`}`,
    ),
    fact(
      "PCs",
      `${counts.verified} of ${session.members.length} verified, ${counts.failed} failed, ${there} online${boots === null ? "" : `; ${boots}`}`,
      counts.failed > 0 ? "bad" : "plain",
    ),
    fact("Rate", rateBps === null ? "nothing is being sent" : linkRateText(rateBps)),
    fact("Sent", sentText(bytesSent, repairBytes, passes)),
    slow === null
      ? fact("Slowest", "no PC holds the room up")
      : fact("Slowest", `${slow.name}: ${slow.why}`, "warn"),
    fact("Started", `${dateText(startedAt)} UTC`),
    ...notices,
  ];
}

const sentText = (bytesSent: number, repairBytes: number, passes: number): string => {
  const cost = bytesSent === 0 ? "" : `, ${lossText(repairBytes / bytesSent)} of it repairs`;
  return `${sizeText(bytesSent)}${cost}, ${passes} ${passes === 1 ? "pass" : "passes"}`;
};

function memberRow(member: MemberView, session: SessionView, columns: number): Row {
  const { name, state, result, writeBps, lossRatio, disk, reason, laneReason } = member;
  const running = isRunning(session) && result === "pending";
  const fraction = running ? memberFraction(member) : null;
  const width = barWidth(columns);
  const bar =
    fraction === null
      ? ""
      : `${barText(fraction, width)}${cell(percentText(fraction), 6, "right")}`;
  const word = result === "pending" ? state : result.toUpperCase();
  const style: Style = result === "failed" ? "bad" : result === "verified" ? "good" : "plain";
  // The reason takes the place of the progress, which is over.
  if (!running && reason !== null) {
    return [
      span(` ${cell(name, 14)} `),
      span(cell(word, 13), style),
      span(cut(reason, columns - 30), style),
    ];
  }
  // So does whether it came up.
  if (member.boot !== null) {
    return [
      span(` ${cell(name, 14)} `),
      span(cell(word, 13), style),
      span(cut(memberBootText(member), columns - 30), bootStyle(member)),
    ];
  }
  return [
    span(` ${cell(name, 14)} `),
    span(cell(word, 13), style),
    span(cell(bar, width + 7)),
    span(cell(writeBps === null || !running ? "" : byteRateText(writeBps), 11, "right")),
    span(`${cell(lossRatio === null ? "" : lossText(lossRatio), 8, "right")}  `),
    laneReason !== null && running
      ? span(cut(laneReason, columns - width - 57), "warn")
      : span(disk === null ? "" : cut(diskIdentity(disk), columns - width - 57)),
  ];
}
