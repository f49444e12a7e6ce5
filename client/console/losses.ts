/** What is said before a word is typed: the disk that each PC will lose, and whom the order places or leaves out. */
import { type OrderKeys, withCode } from "../../core/screen/identity.ts";
import { foreseenTarget, type TargetRequest } from "../../core/screen/target.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";

export interface Losses {
  /** What is to be known before anything else; with PCs that are placed and lose no disk. */
  readonly warnings: readonly string[];
  readonly disks: readonly {
    readonly pc: string;
    /** Its code, where the order places it, and its disk; two blanks part what it is made of. */
    readonly text: string;
    readonly needsCare: boolean;
  }[];
  /** Why each of those that are left out is. */
  readonly leftOut: readonly string[];
}

/** `pcs`: those that lose a disk; `keys`: of all that the order is about. */
export function lossesOf(
  model: Model,
  pcs: readonly PcView[],
  { placed, leftOut }: OrderKeys,
  request: TargetRequest,
): Losses {
  const speech = speechOf(model);
  const { t, told } = speech;
  const places = new Set(placed);
  const others = placed.filter((pc) => !pcs.includes(pc));
  const countOf = (key: "over.places" | "over.leftOut", count: number): string[] =>
    count === 0 ? [] : [t(key, { count })];
  return {
    warnings: [
      ...countOf("over.places", placed.length),
      ...others.map((pc) => `${pc.name}  ${newText(pc, speech)}`),
      ...countOf("over.leftOut", leftOut.length),
    ],
    disks: pcs.map((pc) => {
      const { text, refused } = foreseenTarget(pc, model.rooms.values(), request, speech);
      return {
        pc: pc.name,
        text: places.has(pc) ? `${newText(pc, speech)}  ${text}` : text,
        needsCare: refused || places.has(pc),
      };
    }),
    leftOut: leftOut.map(({ what, next }) =>
      t("order.leftOut", { what: told(what), next: told(next) }),
    ),
  };
}

/** `NEW (code 004 711)` */
const newText = (pc: PcView, { t }: ConsoleSpeech): string => withCode(t("cap.NEW"), pc, t);
