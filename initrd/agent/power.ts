import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Power } from "../../core/agent/life.ts";
import type { Journal } from "./journal.ts";

/**
 * A restart cuts the connection, and the server has to hear before that the PC goes to its own disk: a
 * small message is on the wire in a fraction of that. In milliseconds.
 */
const sayLead = 500;

/**
 * Restarts or switches off the PC; on any other host it only says that it would not. Resolves when the
 * PC stays all the same.
 */
export async function performPower(
  action: Power,
  options: { readonly isAppliance: boolean; readonly journal: Journal },
): Promise<void> {
  const { isAppliance, journal } = options;
  if (!isAppliance) {
    journal.log(`${action} refused: this host was not booted by roomcast`);
    return;
  }
  journal.milestone(action);
  if (action === "boot-disk") await sleep(sayLead);
  // The server decides what the next network boot leads to: `boot-disk` is a restart for the PC.
  const command = action === "poweroff" ? "poweroff" : "reboot";
  const { promise: stayed, resolve } = Promise.withResolvers<void>();
  // There is no service to end, and every disk is closed: at once.
  execFile(command, ["-f"], (error) => {
    if (error === null) return;
    journal.log(`${command} did not work: ${error.message}`);
    resolve();
  });
  return stayed;
}
