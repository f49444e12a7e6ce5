/** By which key a PC is known, in words for operators. */
import { orderVerdict, type Verdict } from "../trust/admission.ts";
import { codeText } from "../trust/code.ts";
import { levelText } from "../trust/level.ts";
import type { RoomView } from "../wire/rooms.ts";
import type { IdentityView, PcView } from "../wire/views.ts";

const kinds = { tpm: "TPM", file: "file", memory: "memory" } as const;

/** In a column: `TPM placed`, `memory WAITING 123 456`. What a human has to look at is in capitals. */
export function identityText(identity: IdentityView | null): string {
  if (identity === null) return "none yet";
  const { kind, state, code, level } = identity;
  const word = state === "placed" ? (level === "attested" ? level : state) : state.toUpperCase();
  return [kinds[kind], word, code === null ? "" : codeText(code)]
    .filter((part) => part !== "")
    .join(" ");
}

/** All of it, and what to do where something is to be done. */
export function identityLines(pc: PcView): string[] {
  const { identity, name, doubt } = pc;
  if (identity === null) return ["it has proven no key yet: boot it from the network"];
  const { state, level } = identity;
  const compare = `compare the code with the PC's screen, then \`roomcast pc admit ${name}\``;
  const first = identityText(identity);
  switch (state) {
    case "placed":
      return level === null ? [first] : [first, levelText(level)];
    case "waiting":
      return [first, `nobody has placed it yet: ${compare}`];
    case "revoked":
      return [first, `it gets nothing any more; \`roomcast pc admit ${name}\` lets it in again`];
    case "doubt": {
      const names = (doubt ?? []).map((each) => each.name).join(" or ");
      return names === ""
        ? [first, `its key is right and its hardware is another: ${compare}`]
        : [
            first,
            `it may be ${names}, with another key: a cleared TPM, a new board or disk, or another PC that says it is that one`,
            `if it is: ${compare}, which makes it that PC; if not: \`roomcast pc identify ${name} --new\``,
          ];
    }
  }
}

/** What an order to PCs does about their keys: whom it places, and whom it leaves out. */
export interface OrderKeys {
  /** Those that nobody has placed: the order does. */
  readonly placed: readonly PcView[];
  readonly leftOut: readonly {
    readonly pc: PcView;
    readonly what: string;
    readonly next: string;
  }[];
  readonly others: readonly PcView[];
}

export function orderKeys(pcs: readonly PcView[], rooms: Iterable<RoomView>): OrderKeys {
  const admit = new Map([...rooms].map(({ name, settings }) => [name, settings.admit]));
  const verdictOf = (pc: PcView): Verdict =>
    orderVerdict(pc, { name: pc.room, admit: admit.get(pc.room) ?? "placed" });
  const all = pcs.map((pc) => ({ pc, verdict: verdictOf(pc) }));
  return {
    placed: all.flatMap(({ pc, verdict }) =>
      verdict.kind === "places" && pc.identity !== null ? [pc] : [],
    ),
    leftOut: all.flatMap(({ pc, verdict }) =>
      verdict.kind === "may-not" ? [{ pc, what: verdict.what, next: verdict.next }] : [],
    ),
    others: all.flatMap(({ pc, verdict }) =>
      verdict.kind === "may" || (verdict.kind === "places" && pc.identity === null) ? [pc] : [],
    ),
  };
}

/** Before a word is typed: the PCs that it places, each with its code, and those that are left out. */
export function orderKeyLines({ placed, leftOut }: OrderKeys): string[] {
  const named = placed.map(({ name, identity }) => {
    const code = identity?.code ?? null;
    return code === null ? `${name} (not connected)` : `${name} (code ${codeText(code)})`;
  });
  const count = placed.length === 1 ? "1 PC was" : `${placed.length} PCs were`;
  return [
    ...(placed.length === 0
      ? []
      : [
          `${count} never seen before: ${named.join(", ")}`,
          "Compare each code with the PC's screen: this order places them.",
        ]),
    ...leftOut.map(({ what, next }) => `left out: ${what}; ${next}`),
  ];
}

/** What the API is told of those that were shown as never seen before. */
export const shownOf = ({ placed }: OrderKeys): { pc: string; code: string | null }[] =>
  placed.map(({ id, identity }) => ({ pc: id, code: identity?.code ?? null }));

export const isLeftOut = ({ leftOut }: OrderKeys, id: string): boolean =>
  leftOut.some(({ pc }) => pc.id === id);
