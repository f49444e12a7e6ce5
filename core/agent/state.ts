/** What is said of a PC in one word, from what its agent is at. */
import type { AgentMessage } from "../wire/agent-message.ts";
import type { PcState } from "../wire/views.ts";
import { type Life, type Order, shownEnd, underWay } from "./life.ts";

type ProgressMessage = Extract<AgentMessage, { type: "progress" }>;
/** How far a task is: what `progress` says of it. */
export type TaskProgress = Omit<ProgressMessage, "type" | "session" | "attempt">;

/**
 * `progress`: of the work under way; null while it is being prepared. `isHalfWritten`: a disk was left
 * by a restore or a wipe that did not finish, so the PC would not start from it.
 */
export function pcState(
  life: Life,
  progress: TaskProgress | null,
  isHalfWritten: boolean,
): PcState {
  const order = underWay(life);
  if (order !== null) return workState(order.type, progress);
  const outcome = shownEnd(life)?.end.outcome;
  const hasFailed = outcome === "failed" || outcome === "refused" || isHalfWritten;
  return hasFailed ? "failed" : "idle";
}

function workState(type: Order["type"], progress: TaskProgress | null): PcState {
  switch (type) {
    case "capture":
      return "capturing";
    case "cast":
      return "sending";
    case "wipe":
      return "wiping";
    case "restore":
      if (progress?.phase === "growing" || progress?.phase === "personalising")
        return "personalising";
      if (progress?.phase === "verifying") return "verifying";
      return (progress?.counters?.bytesReceived ?? 0) > 0 ? "receiving" : "waiting";
  }
}
