/** `roomcast serve`: the lab server, and nothing of the programs that speak to it. */

import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { dataFolder, exitStatusOf, prepareProcess } from "../core/node/command-line.ts";
import { version } from "../core/node/version.ts";
import { openServiceManager } from "./host/service-manager.ts";
import { addServeCommand } from "./serve-command.ts";

// Else V8 lets short-lived objects pile up to 48 MB before it looks; what the server does is no faster by it.
setFlagsFromString("--semi-space-growth-factor=1");
// Else V8 marks its whole heap each 10 to 20 MB of uploads, since their buffers count beside a heap of 30 MB: half a core
// went by it.
setFlagsFromString("--heap-growing-percent=200");

prepareProcess();
using manager = openServiceManager({ ...process.env });
// It is this process that the manager watches, not those that it starts.
for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete process.env[name];
const program = new Command("roomcast")
  .version(version)
  .option("--data <DIR>", "state, images, local socket", dataFolder(process.env))
  .option("--debug", "stack traces with errors", false)
  // Of the other commands; said before `serve` they change nothing.
  .option("--json")
  .option("--yes")
  .exitOverride()
  .showHelpAfterError("(see --help)");
addServeCommand(program, manager);
try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitStatusOf(error, program.opts().debug === true);
}
