/**
 * Which of the known PCs one is that connects. No single mark decides: network cards are changed and
 * docks shared, boards of one series carry the same UUID, and a repaired board has another serial. So
 * each mark that agrees speaks for a PC and each that differs against it; a mark that either side
 * lacks says nothing. Where two PCs are as likely, an operator is asked.
 */

/** What a PC is known by. */
export interface Marks {
  /** SMBIOS UUID, null where the board has none of its own. */
  readonly uuid: string | null;
  /** Of system, board and chassis. */
  readonly serials: readonly string[];
  /** Of all its network cards; of a known PC, all it was ever seen with. */
  readonly macs: readonly string[];
}

export interface Known extends Marks {
  readonly id: string;
  /** It is connected now: then only a PC with one of its addresses can be it, started anew. */
  readonly isOnline: boolean;
}

export type Recognition =
  | { readonly kind: "known"; readonly id: string }
  | { readonly kind: "new" }
  /** It may be each of these, the likeliest first. */
  | { readonly kind: "doubt"; readonly ids: readonly string[] };

/** A UUID outweighs a network card, so that another PC on the same dock is another PC; so does a serial, by little. */
const weights = {
  uuid: { agrees: 6, differs: -6 },
  serial: { agrees: 4, differs: -3 },
  mac: { agrees: 3, differs: -2 },
} as const;
/** Two points: a card alone (3) is enough where nothing speaks against it; a UUID with another card is 4, a serial with another card 2. */
const enough = 2;
/** Less of a lead than a card's weight is no lead. */
const lead = 3;

/** How much speaks for the two being the same PC. */
export function likeness(pc: Marks, known: Marks): number {
  return (
    weigh(
      weights.uuid,
      pc.uuid === null ? [] : [pc.uuid],
      known.uuid === null ? [] : [known.uuid],
    ) +
    weigh(weights.serial, pc.serials, known.serials) +
    weigh(weights.mac, pc.macs, known.macs)
  );
}

function weigh(
  weight: { readonly agrees: number; readonly differs: number },
  ours: readonly string[],
  theirs: readonly string[],
): number {
  if (ours.length === 0 || theirs.length === 0) return 0;
  return ours.some((mark) => theirs.includes(mark)) ? weight.agrees : weight.differs;
}

export function recognise(pc: Marks, known: readonly Known[]): Recognition {
  const likely = known
    .filter(({ isOnline, macs }) => !isOnline || macs.some((mac) => pc.macs.includes(mac)))
    .map((each) => ({ id: each.id, score: likeness(pc, each) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  const [best] = likely;
  if (best === undefined) return { kind: "new" };
  const rivals = likely.filter(({ score }) => best.score - score < lead);
  if (rivals.length === 1 && best.score >= enough) return { kind: "known", id: best.id };
  return { kind: "doubt", ids: rivals.map(({ id }) => id) };
}
