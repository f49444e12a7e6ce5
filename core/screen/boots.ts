/** Which PCs of a session came up as themselves, in words. */
import { bootText, missingBoots, missingNotices } from "../session/boot-proof-view.ts";
import type { MemberView, SessionView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";
import { consoleText, type Style } from "./row.ts";

/** `, 27 came up; lab1-b4 did not within 5 min: power, firmware order, or look at its screen`; empty: nobody waits. */
export function bootClause(
  { members }: Pick<SessionView, "members">,
  { t, told }: ScreenSpeech = english,
): string {
  const awaited = countOf(members, "pending");
  const missing = missingBoots(members).map(
    ({ names, reason }) => `; ${t("boots.missing", { names, reason: told(reason) })}`,
  );
  if (members.every(({ boot }) => boot === null)) return "";
  const waiting = awaited === 0 ? "" : `, ${t("boots.areAwaited", { count: awaited })}`;
  const up = t("boots.up", { count: countOf(members, "up") });
  return `, ${up}${waiting}${missing.join("")}`;
}

/** `20 came up, 8 awaited`; null: nobody waits. */
export function bootCounts(
  { members }: Pick<SessionView, "members">,
  { t }: ScreenSpeech = english,
): string | null {
  if (members.every(({ boot }) => boot === null)) return null;
  const keys = { pending: "boots.awaited", missing: "boots.didNot" } as const;
  const counts = [
    t("boots.up", { count: countOf(members, "up") }),
    ...(["pending", "missing"] as const).flatMap((state) => {
      const count = countOf(members, state);
      return count === 0 ? [] : [t(keys[state], { count })];
    }),
  ];
  return counts.join(", ");
}

const countOf = (members: readonly MemberView[], state: "up" | "pending" | "missing"): number =>
  members.filter(({ boot }) => boot?.state === state).length;

/** The notices that a sentence has not said already. */
export const otherNotices = ({ members, notices }: SessionView): string[] => {
  const said = missingNotices(members);
  return notices.filter((notice) => !said.includes(notice));
};

/** `up 34 s after, "lab1-a3", looks like Debian`; empty: nobody waits for it. */
export const memberBootText = (
  { boot }: Pick<MemberView, "boot">,
  { told }: ScreenSpeech = english,
): string => (boot === null ? "" : consoleText(told(bootText(boot))));

export const bootStyle = ({ boot }: Pick<MemberView, "boot">): Style =>
  boot?.state === "missing" ? "bad" : boot?.state === "up" ? "good" : "plain";
