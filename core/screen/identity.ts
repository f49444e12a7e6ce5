/** By which key a PC is known, in words for operators. */
import { orderVerdict, type Verdict } from "../trust/admission.ts";
import { codeText } from "../trust/code.ts";
import { levelText } from "../trust/level.ts";
import type { RoomView } from "../wire/rooms.ts";
import type { IdentityView, PcView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";

/** In a column: `TPM placed`, `memory WAITING 123 456`. What a human has to look at is in capitals. */
export function identityText(identity: IdentityView | null, { t }: ScreenSpeech = english): string {
  if (identity === null) return t("key.none");
  const { kind, state, code, level } = identity;
  const word = t(state === "placed" && level === "attested" ? "key.attested" : `key.${state}`);
  return [t(`key.kind.${kind}`), word, code === null ? "" : codeText(code)]
    .filter((part) => part !== "")
    .join(" ");
}

/** All of it, and what to do where something is to be done. */
export function identityLines(pc: PcView, speech: ScreenSpeech = english): string[] {
  const { identity, name, doubt } = pc;
  const { t, told } = speech;
  if (identity === null) return [t("key.unproven")];
  const { state, level } = identity;
  const compare = t("key.compare", { pc: name });
  const first = identityText(identity, speech);
  switch (state) {
    case "placed":
      return level === null ? [first] : [first, told(levelText(level))];
    case "waiting":
      return [first, t("key.notPlaced", { compare })];
    case "revoked":
      return [first, t("key.cutOff", { pc: name })];
    case "doubt": {
      const names = (doubt ?? []).map((each) => each.name).join(` ${t("list.or")} `);
      return names === ""
        ? [first, t("key.otherHardware", { compare })]
        : [first, t("key.mayBe", { names }), t("key.ifItIs", { compare, pc: name })];
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

/** `pc01 (code 004 711)`: what a PC is called, with what to compare with its screen. */
export function withCode(pc: string, { identity }: PcView, t: ScreenSpeech["t"]): string {
  const code = identity?.code ?? null;
  return code === null
    ? t("order.notConnected", { pc })
    : t("order.withCode", { pc, code: codeText(code) });
}

/** Before a word is typed: the PCs that it places, each with its code, and those that are left out. */
export function orderKeyLines(
  { placed, leftOut }: OrderKeys,
  { t, told }: ScreenSpeech = english,
): string[] {
  const named = placed.map((pc) => withCode(pc.name, pc, t));
  return [
    ...(placed.length === 0
      ? []
      : [
          t("order.neverSeen", { count: placed.length, names: named.join(", ") }),
          t("order.compare"),
        ]),
    ...leftOut.map(({ what, next }) => t("order.leftOut", { what: told(what), next: told(next) })),
  ];
}

/** What the API is told of those that were shown as never seen before. */
export const shownOf = ({ placed }: OrderKeys): { pc: string; code: string | null }[] =>
  placed.map(({ id, identity }) => ({ pc: id, code: identity?.code ?? null }));

export const isLeftOut = ({ leftOut }: OrderKeys, id: string): boolean =>
  leftOut.some(({ pc }) => pc.id === id);
