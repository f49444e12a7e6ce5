/** The screen of a running or ended task, readable from across the room. */
import { diskIdentity } from "../../core/screen/disk.ts";
import {
  barText,
  byteRateText,
  durationText,
  lossText,
  percentText,
  sizeText,
} from "../../core/screen/format.ts";
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
import { headerRow, noticeRows, pinRow } from "./frame.ts";
import type { Page } from "./pages.ts";
import type { MenuView, TaskView } from "./view.ts";

type Outcome = NonNullable<TaskView["outcome"]>;

/** The whole screen of a task; the pages `stop` and `pin` add the question before it is stopped. */
export function taskRows(view: MenuView, task: TaskView, page: Page, size: ScreenSize): Row[] {
  const { columns, lines } = size;
  const details =
    task.outcome === null
      ? [...cutOffRows(view, task, columns), ...runningRows(task, columns)]
      : outcomeRows(task, task.outcome, columns);
  const [word, style] = task.outcome === null ? runningWord(task) : outcomeWord(task, task.outcome);
  const edge = task.outcome === null ? [] : [edgeRow(task.outcome, columns)];
  const footer = [...noticeRows(view.notice, columns), ...keyRows(task, page, columns)];
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

function keyRows(task: TaskView, page: Page, columns: number): Row[] {
  if (task.outcome !== null) return [barRow("Any key: back to the menu", "", columns)];
  switch (page.name) {
    case "stop":
      return [barRow(stopQuestion(task), "Y: stop   Any other key: continue", columns, "bad")];
    case "pin":
      return [pinRow(page.value), barRow("Enter: unlock   Esc: continue", "", columns)];
    default:
      return [barRow("S or Ctrl-C: stop", "", columns)];
  }
}

const stopQuestion = ({ kind }: TaskView): string =>
  kind === "cast"
    ? "Stop? The whole room will fail."
    : kind === "capture"
      ? "Stop? No image will be stored."
      : "Stop? The disk will not be usable.";

const phaseWord: Readonly<Record<TaskView["phase"], string>> = {
  preparing: "PREPARING",
  scanning: "SCANNING",
  receiving: "RECEIVING",
  verifying: "VERIFYING",
  growing: "FITTING",
  personalising: "PERSONALISING",
  capturing: "CAPTURING",
  sending: "SENDING",
  wiping: "WIPING",
  ended: "ENDING",
};

/** Why nothing moves, and that it goes on by itself. */
const cutOffRows = ({ server }: MenuView, task: TaskView, columns: number): Row[] =>
  task.isCutOff
    ? paragraph(
        `THE CONNECTION TO THE SERVER IS LOST${server.detail === null ? "" : `: ${server.detail}`}. The work goes on when it is back.`,
        columns,
        "bad",
      ).slice(0, 3)
    : [];

function runningWord(task: TaskView): [string, Style] {
  if (task.isCutOff) return ["NO SERVER", "blockBad"];
  const fraction = fractionOf(task);
  const word = phaseWord[task.phase];
  return [fraction === null ? word : `${word} ${percentText(fraction).replace(" ", "")}`, "block"];
}

const fractionOf = ({ bytesDone, bytesTotal }: TaskView): number | null =>
  bytesTotal === null || bytesTotal === 0 ? null : bytesDone / bytesTotal;

function outcomeWord({ kind }: TaskView, { result }: Outcome): [string, Style] {
  switch (result) {
    case "verified":
      return ["VERIFIED", "blockGood"];
    case "done":
      return [
        kind === "capture"
          ? "CAPTURED"
          : kind === "cast"
            ? "SENT"
            : kind === "wipe"
              ? "WIPED"
              : "DONE",
        "blockGood",
      ];
    case "failed":
      return ["FAILED", "blockBad"];
    case "refused":
      return ["REFUSED", "blockBad"];
    case "stopped":
      return ["STOPPED", "blockWarn"];
  }
}

const isGood = ({ result }: Outcome): boolean => result === "verified" || result === "done";

/** Readable without colour: lines of `=` around a success, lines of `!` around a failure. */
const edgeRow = (outcome: Outcome, columns: number): Row =>
  isGood(outcome) ? [span("=".repeat(columns), "good")] : [span("!".repeat(columns), "bad")];

function runningRows(task: TaskView, columns: number): Row[] {
  const { counters, room } = task;
  const fraction = fractionOf(task);
  const rows: Row[] = [];
  if (fraction !== null) rows.push([span(` ${barText(fraction, columns - 2)}`, "bold")], blank);
  rows.push(fact(taskTitle(task), task.image ?? "-", columns));
  if (task.disk !== null) {
    rows.push(fact("Disk", `${diskIdentity(task.disk)}, ${sizeText(task.disk.size)}`, columns));
  }
  const own = [amountText(task)];
  if (task.rateBps !== null) own.push(byteRateText(task.rateBps));
  if (task.secondsLeft !== null) own.push(`${durationText(task.secondsLeft)} left`);
  rows.push(fact("This PC", own.filter((part) => part !== "").join("   "), columns));
  if (counters !== null && task.kind === "restore") {
    const kept = counters.chunksKept > 0 ? `, ${counters.chunksKept} MiB were right already` : "";
    const loss = counters.lossRatio === null ? "" : `   loss ${lossText(counters.lossRatio)}`;
    const text = `written ${sizeText(counters.bytesWritten)}, read back ${sizeText(counters.bytesVerified)}${kept}${loss}`;
    rows.push(fact("", text, columns));
  }
  if (task.trouble !== null) rows.push(...paragraph(task.trouble, columns, "warn").slice(0, 3));
  if (room !== null) {
    const left = room.secondsLeft === null ? "" : `   ${durationText(room.secondsLeft)} left`;
    const failed = room.failed === 0 ? "" : `, ${room.failed} FAILED`;
    const text = `${percentText(room.progress)}   ${room.verified} of ${room.members} verified${failed}${left}`;
    rows.push(fact("Room", text, columns));
  }
  return rows;
}

const taskTitle = ({ kind }: TaskView): string => (kind === "wipe" ? "Wipe" : "Image");

const amountText = ({ bytesDone, bytesTotal }: TaskView): string =>
  bytesTotal === null
    ? bytesDone === 0
      ? ""
      : sizeText(bytesDone)
    : `${sizeText(bytesDone)} of ${sizeText(bytesTotal)}`;

const fact = (title: string, text: string, columns: number): Row =>
  factRow(title, text, { columns, titleWidth: 9 });

function outcomeRows(task: TaskView, outcome: Outcome, columns: number): Row[] {
  const disk = task.disk === null ? "the disk" : diskIdentity(task.disk);
  const image = task.image ?? "the image";
  const rows: Row[] = paragraph(outcomeText(), columns, "bold");
  const halfWritten =
    task.kind === "restore" && !isGood(outcome) && (task.counters?.bytesWritten ?? 0) > 0;
  if (halfWritten) {
    rows.push(
      ...paragraph(`The disk is incomplete: do not give this PC to anybody.`, columns, "bad"),
    );
  }
  rows.push(blank);
  const next = outcome.next ?? usualNext();
  if (next !== "") rows.push(...paragraph(`What to do: ${next}`, columns));
  const { room } = task;
  if (room !== null && task.kind === "restore") {
    const failed = room.failed === 0 ? "" : `, ${room.failed} FAILED`;
    rows.push(
      blank,
      fact("Room", `${room.verified} of ${room.members} verified${failed}`, columns),
    );
  }
  return rows;

  function outcomeText(): string {
    switch (outcome.result) {
      case "verified":
        return `${image} is on ${disk}.`;
      case "done":
        return task.kind === "capture"
          ? `${disk} is stored as ${image}.`
          : task.kind === "cast"
            ? `${disk} was cast to the room.`
            : `${disk}: done.`;
      default:
        return outcome.reason ?? "No reason was given.";
    }
  }

  function usualNext(): string {
    switch (outcome.result) {
      case "verified":
        return "nothing. The PC can start from its disk.";
      case "done":
        return "";
      case "failed":
        return "start it again from the server. If it fails again with the same reason, this PC is faulty.";
      case "refused":
        return "remove what the reason names; nothing was written to the disk.";
      case "stopped":
        return task.kind === "restore" ? "restore this PC again before it is used." : "";
    }
  }
}
