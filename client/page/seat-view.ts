/** What a cell of the wall shows of a PC. */
import { type Part, type StateWord, stateOf } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import type { Style } from "../../core/screen/row.ts";
import { codeText } from "../../core/trust/code.ts";
import type { PcView } from "../../core/wire/views.ts";
import { list, t, told } from "./words.ts";

/** A state's shape: it says without colour what the word says. */
export type Shape = "off" | "on" | "busy" | "work" | "good" | "warn" | "bad";

export interface SeatCell {
  readonly word: StateWord;
  readonly shape: Shape;
  /** 0…1; null: nothing is under way, or it is not known. */
  readonly fraction: number | null;
  readonly writeBps: number | null;
  /** What is wrong, in words; null: nothing. */
  readonly wrong: string | null;
}

export function seatCell(pc: PcView, part: Part | undefined): SeatCell {
  const { word, style, isAtWork } = stateOf(pc, part);
  const known = part !== undefined && isAtWork ? memberFraction(part.member) : null;
  const fraction = word === "off" && known === 0 ? null : known;
  const shape = shapeOf(word, style, isAtWork);
  const writeBps = isAtWork ? (part?.member.writeBps ?? null) : null;
  return { word, shape, fraction, writeBps, wrong: wrongOf(pc, part, word) };
}

function shapeOf(word: StateWord, style: Style, isAtWork: boolean): Shape {
  if (word === "off") return "off";
  if (isAtWork) return "work";
  if (style === "good" || style === "bad" || style === "warn") return style;
  return style === "accent" ? "busy" : "on";
}

function wrongOf(pc: PcView, part: Part | undefined, word: StateWord): string | null {
  switch (word) {
    case "WHICH ONE?":
      return t("wrong.which", { names: list((pc.doubt ?? []).map(({ name }) => name)) });
    case "NEW": {
      const code = pc.identity?.code ?? null;
      return code === null ? t("wrong.new") : t("wrong.newCode", { code: codeText(code) });
    }
    case "DOUBT":
      return t("wrong.doubt");
    case "REVOKED":
      return t("wrong.revoked");
    case "NOT UP":
      return evidenceOf(part) ?? t("wrong.notUp");
  }
  if (pc.bootTrouble !== null) return t("wrong.boot", { what: told(pc.bootTrouble) });
  if (part === undefined) return null;
  const { result, reason, laneReason } = part.member;
  const isAtWork = result === "pending" && part.session.endedAt === null;
  const why =
    word === "FAILED" || word === "STOPPED" ? reason : isAtWork ? (reason ?? laneReason) : null;
  return why === null ? null : told(why);
}

const evidenceOf = (part: Part | undefined): string | null => {
  const evidence = part?.member.boot?.evidence ?? null;
  return evidence === null ? null : told(evidence);
};
