/** One PC, one line: address, state, progress, rate, and what became of it. */
import { barText } from "../../core/screen/format.ts";
import { doneWord, isPending, isRunning, type Part, stateKey } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { cell, cut, type Row, type Style, span } from "../../core/screen/row.ts";
import { codeText } from "../../core/trust/code.ts";
import type { PcState, PcView } from "../../core/wire/views.ts";
import { type ConsoleSpeech, wordText } from "./speech.ts";

interface Widths {
  readonly name: number;
  readonly bar: number;
  readonly result: number;
}

const addressWidth = 15;
const stateWidth = 12;
const rateWidth = 10;
/** `VERIFIED`, `CAPTURED` */
const wordWidth = 8;

/** The columns are fixed. Bar and result share what is left: if that is little, the result is one word. */
function widthsFor(columns: number): Widths {
  const name = columns >= 120 ? 20 : 14;
  const left = columns - 2 - name - 1 - addressWidth - 1 - stateWidth - rateWidth - 2;
  if (left < wordWidth + 32) return { name, bar: left - 6 - wordWidth, result: wordWidth };
  const bar = Math.min(40, Math.floor(left / 3));
  return { name, bar, result: left - bar - 6 };
}

export function headingRow({ t }: ConsoleSpeech, columns: number): Row {
  const { name, bar } = widthsFor(columns);
  const text = `  ${cell(t("pc"), name)} ${cell(t("address"), addressWidth)} ${cell(t("state"), stateWidth)}${cell(t("progress"), bar + 6)}${cell(t("diskRate"), rateWidth, "right")}  ${t("result")}`;
  return [span(cell(text, columns), "bold")];
}

export function pcRow(
  pc: PcView,
  part: Part | undefined,
  at: { readonly chosen: boolean; readonly marked: boolean; readonly columns: number },
  speech: ConsoleSpeech,
): Row {
  const { t, told, percent, byteRate } = speech;
  const { name, bar, result } = widthsFor(at.columns);
  const state = part !== undefined && isPending(part) ? part.member.state : pc.state;
  const head = `${at.chosen ? ">" : " "}${at.marked ? "*" : " "}${cell(pc.name, name)} ${cell(pc.ip ?? "", addressWidth)} `;
  const style: Style = at.chosen ? "chosen" : "plain";
  const spans = [
    span(head, style),
    span(cell(t(stateKey(state)), stateWidth), at.chosen ? "chosen" : stateStyle(state)),
  ];
  if (pc.doubt !== null) {
    const names = pc.doubt.map((known) => known.name).join(` ${t("list.or")} `);
    const which = t("list.which", { names }) + codeClause(pc, speech);
    const said = t("list.pressU", { which });
    return [...spans, span(cut(said, at.columns - 32), "warn")];
  }
  const unplaced = unplacedText(pc, speech);
  if (unplaced !== null && (part === undefined || !isPending(part)))
    return [...spans, span(cut(unplaced, at.columns - 32), "warn")];
  if (pc.bootTrouble !== null)
    return [
      ...spans,
      span(cut(t("list.boot", { what: told(pc.bootTrouble) }), at.columns - 32), "warn"),
    ];
  if (part === undefined) return spans;
  const { member, session } = part;
  const outcome = resultSpan(part, result, speech);
  if (member.result === "failed" || member.result === "stopped") {
    // The reason takes the place of progress and rate, which are over.
    const width = bar + 6 + rateWidth + 2 + result;
    return [...spans, span(cut(outcome.text, width), outcome.style)];
  }
  const fraction = isRunning(session) ? memberFraction(member) : null;
  const rate = isPending(part) && member.writeBps !== null ? byteRate(member.writeBps) : "";
  return [
    ...spans,
    span(
      fraction === null
        ? " ".repeat(bar + 6)
        : `${barText(fraction, bar)}${cell(percent(fraction), 6, "right")}`,
      member.result === "verified" ? "good" : "plain",
    ),
    span(`${cell(rate, rateWidth, "right")}  `),
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
