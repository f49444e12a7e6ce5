/** Whether PCs came up, as it looks from outside, and in words. */
import type { BootView } from "../wire/views.ts";
import type { BootProof, NotUp, ProofFact } from "./boot-proof.ts";

/** As the contract shows it. */
export function bootView(proof: BootProof | null): BootView | null {
  switch (proof?.name) {
    case undefined:
      return null;
    case "leaving":
    case "starting":
      return { state: "pending", seconds: null, name: null, system: null, evidence: null };
    case "up": {
      const { seconds, host: name, system, evidence } = proof;
      return { state: "up", seconds, name, system, evidence };
    }
    case "missing": {
      const { cause } = proof;
      const seconds = cause.code === "silent" ? cause.seconds : null;
      const evidence = notUpText(cause);
      return { state: "missing", seconds, name: null, system: null, evidence };
    }
  }
}

/** `up 34 s after, "lab1-a3", looks like Debian`; `missing after 5 min: nothing was seen of its own system`. */
export function bootText({ state, seconds, name, system, evidence }: BootView): string {
  const after = seconds === null ? "" : ` ${waitText(seconds)}`;
  switch (state) {
    case "pending":
      return "not seen yet";
    case "up": {
      const host = name === null ? "" : `, "${name}"`;
      const looks = system === null ? "" : `, looks like ${system}`;
      return `up${after} after${host}${looks}`;
    }
    case "missing":
      return `missing${after === "" ? "" : ` after${after}`}: ${evidence ?? "nothing was seen of it"}`;
  }
}

/** PCs that did not come up, those with the same reason together. */
interface Missing {
  readonly names: string;
  /** In words that follow "did not". */
  readonly reason: string;
}

/** Of a session's members, as they are shown. */
export function missingBoots(
  members: readonly { readonly name: string; readonly boot: BootView | null }[],
): Missing[] {
  const byReason = new Map<string, string[]>();
  for (const { name, boot } of members) {
    if (boot?.state !== "missing") continue;
    const reason =
      boot.seconds === null ? `: ${boot.evidence}` : ` within ${waitText(boot.seconds)}`;
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  return [...byReason].map(([reason, whom]) => {
    const look = whom.length === 1 ? "look at its screen" : "look at their screens";
    const isSilent = !reason.startsWith(":");
    return {
      names:
        whom.length === 1 ? String(whom[0]) : `${whom.slice(0, -1).join(", ")} and ${whom.at(-1)}`,
      reason: isSilent ? `${reason}: power, firmware order, or ${look}` : reason,
    };
  });
}

/** The same as notices of the session. */
export const missingNotices = (members: Parameters<typeof missingBoots>[0]): string[] =>
  missingBoots(members).map(({ names, reason }) => `${names} did not come up${reason}`);

/** `5 min`, `34 s` */
function waitText(seconds: number): string {
  const whole = Math.round(seconds);
  return whole >= 60 && whole % 60 === 0 ? `${whole / 60} min` : `${whole} s`;
}

/** A fact in words, for the history; null: too small to tell. */
export function proofText(fact: ProofFact): string | null {
  switch (fact.type) {
    case "booted": {
      const { seconds, name, system, evidence } = fact;
      return `${bootText({ state: "up", seconds, name, system, evidence })}: ${evidence}`;
    }
    case "unbooted": {
      const view = bootView({ name: "missing", leftAt: null, cause: fact.cause });
      return view === null ? null : bootText(view);
    }
    case "proving":
    case "left":
    case "came-back":
      return null;
  }
}

/** Why it did not come up. */
function notUpText(cause: NotUp): string {
  switch (cause.code) {
    case "silent":
      return "nothing was seen of its own system";
    case "network":
      return "it started from the network again: firmware boot order";
    case "stayed":
      return "its agent is still there: it was not restarted";
    case "taken":
      return "another session has had it since";
    case "dropped":
      return "taken out by an operator";
    case "stopped":
      return "the session was ended before it was seen";
  }
}
