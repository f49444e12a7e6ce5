/**
 * The agent as the boot image starts it. Environment: ROOMCAST_APPLIANCE=1 says that roomcast booted
 * this PC, so that its own disks are used and it may be restarted; ROOMCAST_LOG names a file for
 * what the agent says, ROOMCAST_MILESTONES a serial device for the milestones, ROOMCAST_CLOCK_OFF the
 * seconds by which this PC's clock was behind before it was set, ROOMCAST_LANGUAGE the language of its screen.
 */

import { exitStatus, RoomcastError } from "../../core/errors.ts";
import { printable } from "../../core/units/printable.ts";
import { languageOf } from "../../core/words/languages.ts";
import { parseAgentArgs } from "./args.ts";
import { runAgent } from "./run.ts";

const { ROOMCAST_APPLIANCE, ROOMCAST_CLOCK_OFF, ROOMCAST_LANGUAGE, ROOMCAST_LOG } = process.env;
const { ROOMCAST_MILESTONES } = process.env;
const ending = new AbortController();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => ending.abort());
}

// A function, since a bundle that `require` loads cannot wait at its top.
async function main(): Promise<void> {
  try {
    const options = parseAgentArgs(process.argv.slice(2), ROOMCAST_APPLIANCE === "1");
    process.exitCode = await runAgent({
      ...options,
      language: languageOf([ROOMCAST_LANGUAGE ?? ""]),
      clockOffSeconds: Number(ROOMCAST_CLOCK_OFF ?? 0),
      logPath: ROOMCAST_LOG ?? null,
      milestonesPath: ROOMCAST_MILESTONES ?? null,
      signal: ending.signal,
    });
  } catch (error) {
    if (!(error instanceof RoomcastError)) throw error;
    process.stderr.write(`roomcast: ${printable(`${error.message}: ${error.next}`)}\n`);
    process.exitCode = exitStatus(error.code);
  }
  // A menu or a socket that is still being closed does not keep the process.
  process.exit();
}

void main();
