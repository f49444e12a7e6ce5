/** One PC, one line: address, state, progress, rate, and what became of it. */
import { barText, byteRateText, percentText } from "../../core/screen/format.ts";
import { doneWord, isPending, isRunning, type Part } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { cell, cut, type Row, type Style, span } from "../../core/screen/row.ts";
import { codeText } from "../../core/trust/code.ts";
import type { PcState, PcView } from "../../core/wire/views.ts";

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

export function headingRow(columns: number): Row {
  const { name, bar } = widthsFor(columns);
  const text = `  ${cell("PC", name)} ${cell("Address", addressWidth)} ${cell("State", stateWidth)}${cell("Progress", bar + 6)}${cell("Disk rate", rateWidth, "right")}  Result`;
  return [span(cell(text, columns), "bold")];
}

export function pcRow(
  pc: PcView,
  part: Part | undefined,
  at: { readonly chosen: boolean; readonly marked: boolean; readonly columns: number },
): Row {
  const { name, bar, result } = widthsFor(at.columns);
  const state = part !== undefined && isPending(part) ? part.member.state : pc.state;
  const head = `${at.chosen ? ">" : " "}${at.marked ? "*" : " "}${cell(pc.name, name)} ${cell(pc.ip ?? "", addressWidth)} `;
  const style: Style = at.chosen ? "chosen" : "plain";
  const spans = [
    span(head, style),
    span(cell(stateText(state), stateWidth), at.chosen ? "chosen" : stateStyle(state)),
  ];
  if (pc.doubt !== null) {
    const names = pc.doubt.map((known) => known.name).join(" or ");
    const code = pc.identity?.code ?? null;
    const said = `WHICH ONE? ${names}${code === null ? "" : `, code ${codeText(code)}`}: press u`;
    return [...spans, span(cut(said, at.columns - 32), "warn")];
  }
  const unplaced = unplacedText(pc);
  if (unplaced !== null && (part === undefined || !isPending(part)))
    return [...spans, span(cut(unplaced, at.columns - 32), "warn")];
  if (pc.bootTrouble !== null)
    return [...spans, span(cut(`it ${pc.bootTrouble}`, at.columns - 32), "warn")];
  if (part === undefined) return spans;
  const { member, session } = part;
  const told = resultSpan(part, result);
  if (member.result === "failed" || member.result === "stopped") {
    // The reason takes the place of progress and rate, which are over.
    const width = bar + 6 + rateWidth + 2 + result;
    return [...spans, span(cut(told.text, width), told.style)];
  }
  const fraction = isRunning(session) ? memberFraction(member) : null;
  const rate = isPending(part) && member.writeBps !== null ? byteRateText(member.writeBps) : "";
  return [
    ...spans,
    span(
      fraction === null
        ? " ".repeat(bar + 6)
        : `${barText(fraction, bar)}${cell(percentText(fraction), 6, "right")}`,
      member.result === "verified" ? "good" : "plain",
    ),
    span(`${cell(rate, rateWidth, "right")}  `),
    span(cut(told.text, result), told.style),
  ];
}

/** What keeps orders from the PC, and the key that ends that; null: nothing, or it has proven no key. */
function unplacedText({ identity }: PcView): string | null {
  switch (identity?.state) {
    case "waiting":
      return `NEW${identity.code === null ? "" : `, code ${codeText(identity.code)}`}: A admits it`;
    case "doubt":
      return "ITS KEY AND ITS HARDWARE DO NOT MATCH: A admits it";
    case "revoked":
      return "KEY REVOKED: A admits it again";
    default:
      return null;
  }
}

/** The PC's result; with the image's name where there is room for it. */
function resultSpan({ session, member }: Part, width: number): { text: string; style: Style } {
  const what = width > wordWidth ? (session.image ?? session.kind) : "";
  switch (member.result) {
    case "verified":
      return {
        text: `${doneWord[session.kind]} ${session.kind === "wipe" ? "" : what}`.trimEnd(),
        style: "good",
      };
    case "failed":
      return { text: `FAILED: ${member.reason ?? "no reason given"}`, style: "bad" };
    case "stopped":
      return { text: `STOPPED: ${member.reason ?? ""}`, style: "warn" };
    case "pending":
      if (isRunning(session) && member.laneReason !== null)
        return { text: member.laneReason, style: "warn" };
      return { text: isRunning(session) ? what : "", style: "plain" };
  }
}

const stateText = (state: PcState): string => (state === "offline" ? "off" : state);

function stateStyle(state: PcState): Style {
  if (state === "failed") return "bad";
  if (state === "offline" || state === "idle" || state === "waiting" || state === "booting") {
    return "plain";
  }
  return "accent";
}
