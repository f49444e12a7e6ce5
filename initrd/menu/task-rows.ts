/** The screen of a running or ended task, readable from across the room. */
import { diskIdentity } from "../../core/screen/disk.ts";
import { barText } from "../../core/screen/format.ts";
import { bigLetters, glyphLines } from "../../core/screen/letters.ts";
import {
  barRow,
  blank,
  factRow,
  paragraph,
  type Row,
  type ScreenSize,
  type Style,
  screenful,
  span,
} from "../../core/screen/row.ts";
import { headerRow, pinRow, serverNoticeRows } from "./frame.ts";
import type { Page } from "./pages.ts";
import { type MenuSpeech, speechOf } from "./speech.ts";
import type { MenuView, TaskView } from "./view.ts";

type Outcome = NonNullable<TaskView["outcome"]>;

/** The whole screen of a task; the pages `stop` and `pin` add the question before it is stopped. */
export function taskRows(view: MenuView, task: TaskView, page: Page, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  const speech = speechOf(view);
  const details =
    task.outcome === null
      ? [...cutOffRows(view, task, columns), ...runningRows(task, speech, columns)]
      : outcomeRows(task, task.outcome, speech, columns);
  const [word, style] =
    task.outcome === null ? runningWord(task, speech) : outcomeWord(task, task.outcome, speech);
  const edge = task.outcome === null ? [] : [edgeRow(task.outcome, columns)];
  const footer = [...serverNoticeRows(view, columns), ...keyRows(task, page, speech, columns)];
  const room = lines - 2 - footer.length - details.length - edge.length * 2 - 2;
  const letters = bigLetters(
    word,
    { columns: columns - 2, lines: Math.max(glyphLines, room) },
    style,
  );
  return screenful(
    {
      header: [headerRow(view, columns), blank],
      body: [...edge, ...letters, ...edge, blank, ...details],
      footer,
    },
    size,
  );
}

function keyRows(task: TaskView, page: Page, { t }: MenuSpeech, columns: number): Row[] {
  if (task.outcome !== null) return [barRow(t("keys.backToMenu"), "", columns)];
  switch (page.name) {
    case "stop":
      return [barRow(t(stopQuestion(task)), t("keys.stopYes"), columns, "bad")];
    case "pin":
      return [pinRow(page.value), barRow(t("keys.unlockAtTask"), "", columns)];
    default:
      return [barRow(t("keys.stop"), "", columns)];
  }
}

const stopQuestion = ({ kind }: TaskView) =>
  kind === "cast" ? "task.stopCast" : kind === "capture" ? "task.stopCapture" : "task.stop";

/** Why nothing moves, and that it goes on by itself. */
function cutOffRows(view: MenuView, task: TaskView, columns: number): Row[] {
  if (!task.isCutOff) return [];
  const { t, told } = speechOf(view);
  const { detail } = view.server;
  const why = detail === null ? "" : `: ${told(detail)}`;
  return paragraph(t("task.cutOff", { why }), columns, "bad").slice(0, 3);
}

function runningWord(task: TaskView, { t, percent }: MenuSpeech): [string, Style] {
  if (task.isCutOff) return [t("big.lost"), "blockBad"];
  const fraction = fractionOf(task);
  const word = t(`big.${task.phase}`);
  return [fraction === null ? word : `${word} ${percent(fraction).replace(" ", "")}`, "block"];
}

const fractionOf = ({ bytesDone, bytesTotal }: TaskView): number | null =>
  bytesTotal === null || bytesTotal === 0 ? null : bytesDone / bytesTotal;

/** What is done of each kind of work, where nothing is verified. */
const doneKey = {
  restore: "big.done",
  capture: "big.captured",
  cast: "big.sent",
  wipe: "big.wiped",
} as const;

function outcomeWord({ kind }: TaskView, { result }: Outcome, { t }: MenuSpeech): [string, Style] {
  switch (result) {
    case "verified":
      return [t("big.verified"), "blockGood"];
    case "done":
      return [t(doneKey[kind]), "blockGood"];
    case "failed":
    case "refused":
      return [t(`big.${result}`), "blockBad"];
    case "stopped":
      return [t("big.stopped"), "blockWarn"];
  }
}

const isGood = ({ result }: Outcome): boolean => result === "verified" || result === "done";

/** Readable without colour: lines of `=` around a success, lines of `!` around a failure. */
const edgeRow = (outcome: Outcome, columns: number): Row =>
  isGood(outcome) ? [span("=".repeat(columns), "good")] : [span("!".repeat(columns), "bad")];

function runningRows(task: TaskView, speech: MenuSpeech, columns: number): Row[] {
  const { t, told, size, byteRate, duration, percent, loss } = speech;
  const { counters, room } = task;
  const fraction = fractionOf(task);
  const rows: Row[] = [];
  if (fraction !== null) rows.push([span(` ${barText(fraction, columns - 2)}`, "bold")], blank);
  rows.push(fact(t(task.kind === "wipe" ? "task.wipe" : "image"), task.image ?? "-", columns));
  if (task.disk !== null) {
    rows.push(fact(t("disk"), `${diskIdentity(task.disk)}, ${size(task.disk.size)}`, columns));
  }
  const own = [amountText(task, speech)];
  if (task.rateBps !== null) own.push(byteRate(task.rateBps));
  if (task.secondsLeft !== null) own.push(t("time.left", { time: duration(task.secondsLeft) }));
  rows.push(fact(t("task.thisPc"), own.filter((part) => part !== "").join("   "), columns));
  if (counters !== null && task.kind === "restore") {
    const { chunksKept, lossRatio, bytesWritten, bytesVerified } = counters;
    const kept = chunksKept > 0 ? t("task.kept", { count: chunksKept }) : "";
    const lost = lossRatio === null ? "" : `   ${t("task.loss", { loss: loss(lossRatio) })}`;
    const amounts = { written: size(bytesWritten), verified: size(bytesVerified) };
    rows.push(fact("", `${t("task.written", amounts)}${kept}${lost}`, columns));
  }
  if (task.trouble !== null)
    rows.push(...paragraph(told(task.trouble), columns, "warn").slice(0, 3));
  if (room !== null) {
    const left =
      room.secondsLeft === null ? "" : `   ${t("time.left", { time: duration(room.secondsLeft) })}`;
    const text = `${percent(room.progress)}   ${roomText(room, speech)}${left}`;
    rows.push(fact(t("room"), text, columns));
  }
  return rows;
}

/** `26 of 28 verified, 1 FAILED` */
const roomText = (
  { verified, members, failed }: NonNullable<TaskView["room"]>,
  { t }: MenuSpeech,
): string =>
  t("report.verified", { count: verified, all: members }) +
  (failed === 0 ? "" : t("task.roomFailed", { count: failed }));

const amountText = ({ bytesDone, bytesTotal }: TaskView, { t, size }: MenuSpeech): string =>
  bytesTotal === null
    ? bytesDone === 0
      ? ""
      : size(bytesDone)
    : t("amount.of", { some: size(bytesDone), all: size(bytesTotal) });

const fact = (title: string, text: string, columns: number): Row =>
  factRow(title, text, { columns, titleWidth: 9 });

function outcomeRows(task: TaskView, outcome: Outcome, speech: MenuSpeech, columns: number): Row[] {
  const { t, told } = speech;
  const disk = task.disk === null ? t("task.theDisk") : diskIdentity(task.disk);
  const image = task.image ?? t("task.theImage");
  const rows: Row[] = paragraph(outcomeText(), columns, "bold");
  const halfWritten =
    task.kind === "restore" && !isGood(outcome) && (task.counters?.bytesWritten ?? 0) > 0;
  if (halfWritten) {
    rows.push(...paragraph(t("task.incomplete"), columns, "bad"));
  }
  rows.push(blank);
  const next = outcome.next === null ? usualNext() : told(outcome.next);
  if (next !== "") rows.push(...paragraph(t("task.next", { next }), columns));
  const { room } = task;
  if (room !== null && task.kind === "restore") {
    rows.push(blank, fact(t("room"), roomText(room, speech), columns));
  }
  return rows;

  function outcomeText(): string {
    switch (outcome.result) {
      case "verified":
        return t("task.isOn", { image, disk });
      case "done":
        return task.kind === "capture"
          ? t("task.storedAs", { disk, image })
          : t(task.kind === "cast" ? "task.wasCast" : "task.done", { disk });
      default:
        return outcome.reason === null ? t("task.noReason") : told(outcome.reason);
    }
  }

  function usualNext(): string {
    switch (outcome.result) {
      case "verified":
      case "failed":
      case "refused":
        return t(`next.${outcome.result}`);
      case "done":
        return "";
      case "stopped":
        return task.kind === "restore" ? t("next.stopped") : "";
    }
  }
}
