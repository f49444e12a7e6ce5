/** What is ordered of the server's own key. */
import type { TrustView } from "../../../core/wire/api.ts";
import { list, t } from "../words.ts";
import { type Action, command, plan } from "./action.ts";

const namesOf = (pcs: readonly string[]): string => (pcs.length === 0 ? t("none") : list(pcs));

/** Makes the next key, which PCs hear of; nothing ends by it. */
export function rotateAction({ key, told, away }: TrustView): Action {
  return {
    title: t("trust.rotate.title"),
    submit: t("trust.rotate"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        facts: [
          t("trust.key", { key }),
          t("trust.told", { names: namesOf(told) }),
          t("trust.away", { names: namesOf(away) }),
        ],
        warnings: [t("trust.rotate.pins"), t("trust.rotate.then")],
        word: "rotate",
        calls: [{ method: "post", path: "/trust/rotate" }],
        commands: [command("trust", "rotate")],
        done: t("trust.rotated"),
      }),
  };
}

/** Lets the next key take the present one's place. */
export function finishRotationAction({ key, next, away }: TrustView): Action {
  return {
    title: t("trust.finish.title"),
    submit: t("trust.finish"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        facts: [t("trust.ends", { key }), t("trust.begins", { key: next?.key ?? "" })],
        warnings: [
          ...(away.length === 0 ? [] : [t("trust.finish.away", { names: namesOf(away) })]),
          t("trust.finish.restart"),
          t("trust.finish.signing"),
        ],
        refused: next === null ? t("trust.finish.none") : null,
        word: "finish",
        calls: [{ method: "post", path: "/trust/finish" }],
        commands: [command("trust", "rotate", "--finish")],
        done: t("trust.finished"),
      }),
  };
}
