/** Why a PC's part in a session ended, as a code with parameters, and the words for it. */
import type { End } from "../wire/work.ts";
import { type Overdue, overdueText } from "./slow-disk.ts";

export type Cause =
  /** The agent's own words: an error, or a safety rule that refused before anything was written. */
  | { readonly code: "agent" | "refused" | "stopped-at-pc"; readonly text: string | null }
  /** What it read back is another image. */
  | { readonly code: "root-hash" }
  /** It stopped answering, for this reason, and did not come back in time. */
  | { readonly code: "lost"; readonly text: string }
  | { readonly code: "server-restarted"; readonly work?: "capture" }
  /** It was restarted in the middle of work that cannot be gone on with. */
  | { readonly code: "pc-restarted"; readonly work: "capture" | "wipe" }
  /** It answers, and did not get ready in time. */
  | { readonly code: "unready" }
  /** It never came; `asked`: it asked for its boot files. */
  | { readonly code: "absent"; readonly asked: boolean }
  | { readonly code: "no-wants" }
  | Overdue
  | { readonly code: "cast"; readonly text: string }
  | { readonly code: "no-image" }
  | { readonly code: "no-space"; readonly text: string }
  | { readonly code: "dropped" }
  /** It was never ordered: the PCs that were to be first did not do. */
  | { readonly code: "canary"; readonly text: string }
  /** It was never ordered: its session's image could not be made to fit the smallest of the disks. */
  | { readonly code: "not-fitted"; readonly text: string }
  /** It had ended so, and was given to another session before it came back. */
  | { readonly code: "taken"; readonly text: string }
  | { readonly code: "stopped" };

/** A PC that comes back while its session runs is let in again: being late is no failure of its own. */
export const isLateness = (cause: Cause | null): boolean =>
  cause?.code === "lost" || cause?.code === "server-restarted" || cause?.code === "unready";

/** In words that follow "failed: " or "stopped: "; null: there is nothing to add. */
export function causeText(cause: Cause | null): string | null {
  if (cause === null) return null;
  switch (cause.code) {
    case "agent":
    case "refused":
    case "stopped-at-pc":
    case "lost":
    case "cast":
    case "canary":
    case "no-space":
      return cause.text;
    case "root-hash":
      return "the disk read back is not this image (another root hash)";
    case "server-restarted":
      return cause.work === "capture"
        ? "the server was restarted during the capture; capture again"
        : "the server was restarted and the PC has not come back";
    case "pc-restarted":
      return cause.work === "capture"
        ? "the PC was restarted during the capture"
        : "the PC was restarted during the wipe; its disk may be half wiped";
    case "unready":
      return "the PC answers, but did not get ready within a minute";
    case "absent":
      return cause.asked
        ? "the PC asked for its boot files, but its agent did not come: see its screen"
        : "the PC was not on, or did not reach the server";
    case "no-wants":
      return "its agent did not say which chunks it wants";
    case "slow-disk":
    case "slow-step":
      return overdueText(cause);
    case "no-image":
      return "the agent ended without an image";
    case "dropped":
      return "taken out by an operator";
    case "not-fitted":
      return `the image could not be made to fit: ${cause.text}`;
    case "taken":
      return `${cause.text}; another session has had it since`;
    case "stopped":
      return "stopped by an operator";
  }
}

/** Of a PC that is gone and still waited for: what a session shows as failed may yet be verified. */
export const lostText = (cause: Cause): string =>
  `${causeText(cause) ?? "it is gone"}; it may come back`;

/** The agent's reason and what to do about it, as one text. */
export function endText({ reason, next }: End): string | null {
  const said = [reason, next].filter((part) => part !== null && part !== "").join(": ");
  return said === "" ? null : said;
}
