import { execFile } from "node:child_process";
import type { Journal } from "./journal.ts";

export type PowerAction = "reboot" | "poweroff" | "boot-disk";

/** Restarts or switches off the PC; on any other host it only says that it would not. */
export function performPower(
  action: PowerAction,
  options: { readonly isAppliance: boolean; readonly journal: Journal },
): void {
  const { isAppliance, journal } = options;
  if (!isAppliance) {
    journal.log(`${action} refused: this host was not booted by roomcast`);
    return;
  }
  journal.milestone(action);
  // The server decides what the next network boot leads to: `boot-disk` is a restart for the PC.
  const command = action === "poweroff" ? "poweroff" : "reboot";
  // There is no service to end, and every disk is closed: at once.
  execFile(command, ["-f"], (error) => {
    if (error !== null) journal.log(`${command} did not work: ${error.message}`);
  });
}
