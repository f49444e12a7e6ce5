/** One PC, one line: address, state, progress, rate, and what became of it. */
import { barText } from "../../core/screen/format.ts";
import { doneWord, isPending, isRunning, type Part, stateKey } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { cell, cut, type Row, rowText, type Style, span } from "../../core/screen/row.ts";
import { codeText } from "../../core/trust/code.ts";
import type { PcState, PcView } from "../../core/wire/views.ts";
import { type ConsoleSpeech, wordText } from "./speech.ts";

interface Widths {
  readonly name: number;
  /** With the blank behind it. */
  readonly address: number;
  readonly bar: number;
  /** Bar and percent. */
  readonly progress: number;
  readonly rate: number;
  readonly result: number;
}

const stateWidth = 12;
/** `VERIFIED`, `CAPTURED` */
const wordWidth = 8;
/** ` 100 %`; where there is no bar before it, the blank of the state's column is enough. */
const percentWidth = 6;
/** Narrower says nothing. */
const narrowestBar = 4;
/** On narrower screens what is to be known of a PC takes the place of its state. */
const narrow = 60;

/**
 * The columns are fixed; a screen that is too narrow for all has no addresses, or no rates either. Bar
 * and result share what is left: if that is little, the result is one word.
 */
function widthsFor(columns: number): Widths {
  const fixed = {
    name: columns >= 120 ? 20 : columns >= narrow ? 14 : 10,
    address: columns >= 80 ? 16 : 0,
    rate: columns >= narrow ? 10 : 0,
  };
  const { name, address, rate } = fixed;
  const left = columns - 2 - name - 1 - address - stateWidth - rate - 2;
  const isWide = left >= wordWidth + 32;
  const bar = isWide ? Math.min(40, Math.floor(left / 3)) : left - percentWidth - wordWidth;
  const progress = bar < narrowestBar ? percentWidth - 1 : bar + percentWidth;
  return { ...fixed, bar, progress, result: isWide ? left - progress : wordWidth };
}

export function headingRow({ t }: ConsoleSpeech, columns: number): Row {
  const { name, address, bar, progress, rate } = widthsFor(columns);
  const part = bar < narrowestBar ? cell("%", progress, "right") : cell(t("progress"), progress);
  const text = `  ${cell(t("pc"), name)} ${cell(t("address"), address)}${cell(t("state"), stateWidth)}${part}${cell(t("diskRate"), rate, "right")}  ${t("result")}`;
  return [span(cell(text, columns), "bold")];
}

export function pcRow(
  pc: PcView,
  part: Part | undefined,
  at: { readonly chosen: boolean; readonly marked: boolean; readonly columns: number },
  speech: ConsoleSpeech,
): Row {
  const { t, told, percent, byteRate } = speech;
  const { name, address, bar, progress, rate, result } = widthsFor(at.columns);
  const state = part !== undefined && isPending(part) ? part.member.state : pc.state;
  const head = `${at.chosen ? ">" : " "}${at.marked ? "*" : " "}${cell(pc.name, name)} ${cell(pc.ip ?? "", address)}`;
  const style: Style = at.chosen ? "chosen" : "plain";
  const spans = [
    span(head, style),
    span(cell(t(stateKey(state)), stateWidth), at.chosen ? "chosen" : stateStyle(state)),
  ];
  const telling = (text: string, style: Style): Row => {
    const before = at.columns < narrow ? spans.slice(0, 1) : spans;
    return [...before, span(cut(text, at.columns - rowText(before).length), style)];
  };
  if (pc.doubt !== null) {
    const names = pc.doubt.map((known) => known.name).join(` ${t("list.or")} `);
    const which = t("list.which", { names }) + codeClause(pc, speech);
    return telling(t("list.pressU", { which }), "warn");
  }
  const unplaced = unplacedText(pc, speech);
  if (unplaced !== null && (part === undefined || !isPending(part)))
    return telling(unplaced, "warn");
  if (pc.bootTrouble !== null)
    return telling(t("list.boot", { what: told(pc.bootTrouble) }), "warn");
  if (part === undefined) return spans;
  const { member, session } = part;
  const outcome = resultSpan(part, result, speech);
  // The reason takes the place of progress and rate, which are over.
  if (member.result === "failed" || member.result === "stopped")
    return telling(outcome.text, outcome.style);
  const fraction = isRunning(session) ? memberFraction(member) : null;
  const percents = fraction === null ? "" : percent(fraction);
  const drawn = fraction === null || bar < narrowestBar ? "" : barText(fraction, bar);
  const writes = isPending(part) && member.writeBps !== null ? byteRate(member.writeBps) : "";
  return [
    ...spans,
    span(
      `${drawn}${cell(percents, progress - drawn.length, "right")}`,
      member.result === "verified" ? "good" : "plain",
    ),
    span(`${cell(rate === 0 ? "" : writes, rate, "right")}  `),
    span(cut(outcome.text, result), outcome.style),
  ];
}

/** What keeps orders from the PC, and the key that ends that; null: nothing, or it has proven no key. */
function unplacedText(pc: PcView, speech: ConsoleSpeech): string | null {
  const { t } = speech;
  switch (pc.identity?.state) {
    case "waiting":
      return t("list.new", { code: codeClause(pc, speech) });
    case "doubt":
      return t("list.doubt");
    case "revoked":
      return t("list.revoked");
    default:
      return null;
  }
}

/** `, code 123 456`; empty where there is none to compare. */
function codeClause({ identity }: PcView, { t }: ConsoleSpeech): string {
  const code = identity?.code ?? null;
  return code === null ? "" : t("list.code", { code: codeText(code) });
}

/** The PC's result; with the image's name where there is room for it. */
function resultSpan(
  { session, member }: Part,
  width: number,
  speech: ConsoleSpeech,
): { text: string; style: Style } {
  const { t, told } = speech;
  const what = width > wordWidth ? (session.image ?? t(`kind.${session.kind}`)) : "";
  switch (member.result) {
    case "verified":
      return {
        text: `${wordText(doneWord[session.kind], speech)} ${session.kind === "wipe" ? "" : what}`.trimEnd(),
        style: "good",
      };
    case "failed":
      return {
        text: t("list.failed", {
          why: member.reason === null ? t("report.noReason") : told(member.reason),
        }),
        style: "bad",
      };
    case "stopped":
      return { text: t("list.stopped", { why: told(member.reason ?? "") }), style: "warn" };
    case "pending":
      if (isRunning(session) && member.reason !== null)
        return { text: told(member.reason), style: "warn" };
      return { text: isRunning(session) ? what : "", style: "plain" };
  }
}

function stateStyle(state: PcState): Style {
  if (state === "failed") return "bad";
  if (state === "offline" || state === "idle" || state === "waiting" || state === "booting") {
    return "plain";
  }
  return "accent";
}
