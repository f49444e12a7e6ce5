/** The PCs that a session is tried again with. */
import type { PcView, SessionKind, SessionView } from "../wire/views.ts";

export const isTriedAgain = (kind: SessionKind): boolean => kind === "restore" || kind === "cast";

/**
 * Those that ended otherwise than verified and are still known, as they are called now and in the session's order:
 * whom `…/retry` is for. One that was lost in a session under way has not ended: it gets on by itself when it is back.
 */
export const triedAgain = (
  { kind, members }: Pick<SessionView, "kind" | "members">,
  pcOf: (id: string) => PcView | undefined,
): PcView[] =>
  isTriedAgain(kind)
    ? members.flatMap(({ pc, result, endedAt }) =>
        endedAt === null || result === "verified" ? [] : (pcOf(pc) ?? []),
      )
    : [];
