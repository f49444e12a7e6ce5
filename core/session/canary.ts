/** The PCs of a restore that are first: only when they are verified, and have come up, are the others ordered. */

import { isProofPending } from "./boot-proof.ts";
import { bootText, bootView } from "./boot-proof-view.ts";
import { type Cause, causeText } from "./cause.ts";
import type { LabTime, PcId } from "./kind.ts";
import type { MemberPhase } from "./member.ts";
import type { Members } from "./members.ts";

/** A PC that is first, with its name for people. */
export interface Canary {
  readonly pc: PcId;
  readonly name: string;
}

export type CanaryState =
  | { readonly name: "waiting" }
  | { readonly name: "passed" }
  /** `cause` is that of the PCs that are left alone. */
  | { readonly name: "failed"; readonly cause: Cause };

/** How far the canaries are. Each of them is let come to its end: a disk that is half written helps nobody. */
export function canaryState(
  canaries: readonly Canary[],
  members: Members,
  isProven: boolean,
): CanaryState {
  const failures: string[] = [];
  for (const { pc, name } of canaries) {
    const member = members.get(pc);
    if (member?.phase.name !== "ended") return { name: "waiting" };
    const { phase, boot } = member;
    if (phase.result !== "verified") {
      failures.push(
        `the canary ${name} was not verified: ${causeText(phase.cause) ?? phase.result}`,
      );
      continue;
    }
    if (isProven && (boot === null || isProofPending(boot))) return { name: "waiting" };
    const view = isProven ? bootView(boot) : null;
    if (view?.state === "missing")
      failures.push(`the canary ${name} did not come up, ${bootText(view)}`);
  }
  if (failures.length === 0) return { name: "passed" };
  return { name: "failed", cause: { code: "canary", text: failures.join("; ") } };
}

/** Canaries that never came, and for which nobody waits any more. */
export const absentCanaries = (
  canaries: readonly Canary[],
  members: Members,
  now: LabTime,
): PcId[] =>
  canaries.flatMap(({ pc }) => {
    const phase: MemberPhase | undefined = members.get(pc)?.phase;
    const isBooting = phase?.name === "absent" && phase.until !== null && now < phase.until;
    return phase?.name === "absent" && !isBooting ? [pc] : [];
  });

/** `the canary lab1-a1`, `the canaries lab1-a1 and lab1-a2` */
export function canaryText(canaries: readonly Canary[]): string {
  const names = canaries.map(({ name }) => name);
  return names.length === 1
    ? `the canary ${names[0]}`
    : `the canaries ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
