/** The page of one session: how far the room is, which PC holds it up and why, and every PC's part. */
import { bootCounts, bootStyle, memberBootText } from "../../core/screen/boots.ts";
import { diskIdentity } from "../../core/screen/disk.ts";
import { fittingText } from "../../core/screen/fit.ts";
import { barText, secondsBetween } from "../../core/screen/format.ts";
import { isRunning } from "../../core/screen/pc-state.ts";
import {
  memberFraction,
  resultCounts,
  sessionFraction,
  slowest,
} from "../../core/screen/progress.ts";
import { sentence, subjectOf } from "../../core/screen/report.ts";
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
import { type ConsoleSpeech, speechOf, stateText } from "./speech.ts";
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
  const speech = speechOf(model);
  const { t } = speech;
  const more =
    members.length > shown.length ? t("range", { from: from + 1, to: from + shown.length }) : "";
  const heading = `${cell(t("pc"), 14)} ${cell(t("state"), 12)} ${cell(t("progress"), barWidth(columns) + 7)}${cell(t("diskRate"), 11, "right")}${cell(t("loss"), 8, "right")}  `;
  return [
    ...factRows(model, session, columns),
    blank,
    line(cell(`${heading}${t("disk")}${more}`, columns - 2), "bold"),
    ...shown.map((member) => memberRow(member, session, speech, columns)),
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
  const titleWidth = Math.max(10, speechOf(model).t("progress").length + 1);
  const fact = (title: string, text: string, style: Style = "plain"): Row =>
    factRow(title, text, { columns, titleWidth }, style);
  const { id, kind, room, state, startedAt, endedAt, rateBps } = session;
  const { bytesSent, repairBytes, passes } = session;
  const speech = speechOf(model);
  const { t, told, duration, percent, linkRate, date } = speech;
  const whom = room ?? (session.members.length === 1 ? session.members[0]?.name : t("show.chosen"));
  const counts = resultCounts(session);
  const image = subjectOf(session, (pc) => model.pcs.get(pc)?.name);
  const named = { session: id, kind: t(`kind.${kind}`), image, whom: whom ?? "?" };
  const title = line(
    cut(t("show.title", { ...named, state: t(`session.${state}`).toUpperCase() }), columns - 2),
    "bold",
  );
  const sent = fact(t("show.sent"), sentText({ bytesSent, repairBytes, passes }, speech));
  if (endedAt !== null) {
    const took = duration(secondsBetween(startedAt, endedAt));
    const good = counts.verified === session.members.length;
    return [
      title,
      ...paragraph(sentence(session, speech), columns, good ? "good" : "bad").slice(0, 3),
      fact(t("show.time"), t("show.fromTo", { from: date(startedAt), to: date(endedAt), took })),
      sent,
    ];
  }
  const fraction = sessionFraction(session);
  const left = session.secondsLeft;
  const slow = slowest(session, speech);
  const notices = session.notices.flatMap((notice) =>
    paragraph(told(notice), columns, "bad").slice(0, 2),
  );
  const there = session.members.filter((member) => member.state !== "offline").length;
  const boots = bootCounts(session, speech);
  return [
    title,
    fact(
      t("progress"),
      fittingText(session, speech) ??
        `${barText(fraction, Math.min(40, columns - 50))} ${percent(fraction)}${left === null || left === 0 ? "" : `   ${t("time.left", { time: duration(left) })}`}`,
    ),
    fact(
      t("show.pcs"),
      `${t("show.counts", { verified: counts.verified, all: session.members.length, failed: counts.failed, there })}${boots === null ? "" : `; ${boots}`}`,
      counts.failed > 0 ? "bad" : "plain",
    ),
    fact(t("show.rate"), rateBps === null ? t("show.nothing") : linkRate(rateBps)),
    sent,
    slow === null
      ? fact(t("show.slowest"), t("show.noSlowest"))
      : fact(t("show.slowest"), `${slow.name}: ${slow.why}`, "warn"),
    fact(t("show.started"), `${date(startedAt)} UTC`),
    ...notices,
  ];
}

const sentText = (
  { bytesSent, repairBytes, passes }: Pick<SessionView, "bytesSent" | "repairBytes" | "passes">,
  { t, size, loss }: ConsoleSpeech,
): string => {
  const repairs = bytesSent === 0 ? "" : t("show.repairs", { loss: loss(repairBytes / bytesSent) });
  return t("show.sentText", { count: passes, size: size(bytesSent), repairs });
};

function memberRow(
  member: MemberView,
  session: SessionView,
  speech: ConsoleSpeech,
  columns: number,
): Row {
  const { t, told, percent, byteRate, loss } = speech;
  const { name, state, result, writeBps, lossRatio, disk, reason } = member;
  const running = isRunning(session) && result === "pending";
  const fraction = running ? memberFraction(member) : null;
  const width = barWidth(columns);
  const bar =
    fraction === null ? "" : `${barText(fraction, width)}${cell(percent(fraction), 6, "right")}`;
  const word =
    result === "pending" ? stateText(state, speech) : t(`result.${result}`).toUpperCase();
  const style: Style = result === "failed" ? "bad" : result === "verified" ? "good" : "plain";
  // The reason takes the place of the progress, which is over.
  if (!running && reason !== null) {
    return [
      span(` ${cell(name, 14)} `),
      span(cell(word, 13), style),
      span(cut(told(reason), columns - 30), style),
    ];
  }
  // So does whether it came up.
  if (member.boot !== null) {
    return [
      span(` ${cell(name, 14)} `),
      span(cell(word, 13), style),
      span(cut(memberBootText(member, speech), columns - 30), bootStyle(member)),
    ];
  }
  return [
    span(` ${cell(name, 14)} `),
    span(cell(word, 13), style),
    span(cell(bar, width + 7)),
    span(cell(writeBps === null || !running ? "" : byteRate(writeBps), 11, "right")),
    span(`${cell(lossRatio === null ? "" : loss(lossRatio), 8, "right")}  `),
    reason !== null
      ? span(cut(told(reason), columns - width - 57), "warn")
      : span(disk === null ? "" : cut(diskIdentity(disk), columns - width - 57)),
  ];
}
