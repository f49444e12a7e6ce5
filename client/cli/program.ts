import { Command } from "commander";
import { dataFolder, exitStatusOf } from "../../core/node/command-line.ts";
import { version } from "../../core/node/version.ts";
import { addAgentCommand } from "./agent.ts";
import { addConsoleCommand } from "./console.ts";
import type { CliContext } from "./context.ts";
import { contextFor } from "./context.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addHistoryCommand } from "./history.ts";
import { addServeCommand } from "./host.ts";
import { addImageCommands } from "./image.ts";
import { addOperatorCommands } from "./operator.ts";
import { addPcCommands } from "./pc.ts";
import { addRestoreCommands } from "./restore.ts";
import { addRoomCommands } from "./room.ts";
import { addScheduleCommands } from "./schedule.ts";
import { addSessionCommands } from "./session.ts";
import { addStatusCommands } from "./status.ts";

/**
 * Runs one command line and answers its exit status: 0 done, 1 a PC is not verified, 2 usage, 3 server
 * not reached, 4 refused by a safety rule, 5 bad input.
 */
export async function runCommandLine(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const program = new Command("roomcast")
    .description("Captures a PC's disk and restores it to a whole room by multicast, verified.")
    .version(version)
    .option("--data <DIR>", "state, images, local socket", dataFolder(env))
    .option("--server <URL>", "a server elsewhere, as http://10.77.0.1:8080")
    .option("--token-file <F>", "holds the operator's token for --server")
    .option("--json", "one JSON document on stdout; an event a line while waiting", false)
    .option("--yes", "ask nothing before data is destroyed", false)
    .option("--debug", "stack traces with errors", false)
    .exitOverride()
    .showHelpAfterError("(see --help)");
  let status = 0;
  const run: RunCommand = async (action, { isLocal = false } = {}) => {
    status = await action(await contextFor(program, isLocal));
  };
  addServeCommand(program);
  const term = env.TERM ?? "vt100";
  addStatusCommands(program, run);
  addConsoleCommand(program, run, term);
  addDoctorCommand(program, run);
  addPcCommands(program, run, term);
  addRoomCommands(program, run);
  addImageCommands(program, run);
  addRestoreCommands(program, run);
  addSessionCommands(program, run);
  addScheduleCommands(program, run);
  addHistoryCommand(program, run);
  addOperatorCommands(program, run);
  addAgentCommand(program, run);
  try {
    await program.parseAsync([...argv]);
    return status;
  } catch (error) {
    return exitStatusOf(error, program.opts().debug === true);
  }
}

/** How a command registers its work with the program. */
export type RunCommand = (
  action: (context: CliContext) => Promise<number>,
  options?: { readonly isLocal?: boolean },
) => Promise<void>;
