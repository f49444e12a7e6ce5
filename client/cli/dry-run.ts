import type { Command } from "commander";
import type { CliContext } from "./context.ts";

/** `--dry-run`, for a command that destroys something. */
export const withDryRun = (command: Command): Command =>
  command.option("--dry-run", "only say exactly what would be lost, and do nothing");

/** What a command with `--dry-run` does instead: says what would be lost. Answers the exit status. */
export function sayLost({ say, document }: CliContext, lost: readonly string[]): number {
  document({ dryRun: true, lost });
  for (const line of lost) say(line);
  say("Nothing was done (--dry-run).");
  return 0;
}
