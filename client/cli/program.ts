import { Command } from "commander";
import { dataFolder, exitStatusOf } from "../../core/node/command-line.ts";
import { version } from "../../core/node/version.ts";
import { localeOf, plainLocale } from "../../core/words/languages.ts";
import { addAgentCommand } from "./agent.ts";
import { addBackupCommands } from "./backup.ts";
import { addCompleteCommand } from "./complete.ts";
import { addConsoleCommand } from "./console.ts";
import { type ClientTerminal, contextFor, type RunCommand } from "./context.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addExamples } from "./examples.ts";
import { addHistoryCommand } from "./history.ts";
import { addServeCommand } from "./host.ts";
import { addImageCommands } from "./image.ts";
import { addKeyCommands } from "./key.ts";
import { addMigrateCommand } from "./migrate.ts";
import { addOperatorCommands } from "./operator.ts";
import { addPcCommands } from "./pc.ts";
import { takePins } from "./pins.ts";
import { addReportCommands } from "./report-command.ts";
import { addRequestCommands } from "./request.ts";
import { addRestoreCommands } from "./restore.ts";
import { addRoomCommands } from "./room.ts";
import { addScheduleCommands } from "./schedule.ts";
import { addSessionCommands } from "./session.ts";
import { addSetupCommand } from "./setup.ts";
import { addStatusCommands } from "./status.ts";
import { addTrustCommands } from "./trust.ts";

/**
 * Runs one command line and answers its exit status: 0 done, 1 a PC is not verified, 2 usage, 3 server
 * not reached, 4 refused by a safety rule, 5 bad input.
 */
export async function runCommandLine(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  let status = 0;
  const terminal = { term: env.TERM ?? "vt100", locale: localeOf(env) };
  const program = roomcastProgram(terminal, dataFolder(env), async (action, options) => {
    status = await action(await contextFor(program, options?.isLocal ?? false));
  });
  // https://no-color.org: anything but nothing.
  if ((env.NO_COLOR ?? "") !== "") program.setOptionValue("plain", true);
  const { pins, words } = takePins(argv);
  if (pins.length > 0) program.setOptionValue("pin", pins);
  try {
    await program.parseAsync([...words]);
    return status;
  } catch (error) {
    return exitStatusOf(error, program.opts().debug === true);
  }
}

/** A terminal of which nothing is known. */
export const plainTerminal: ClientTerminal = { term: "vt100", locale: plainLocale };

/** All commands and options; `run` does the work of the one that is given. */
export function roomcastProgram(
  terminal: ClientTerminal,
  folder: string,
  run: RunCommand,
): Command {
  const program = new Command("roomcast")
    .description(
      "Captures a PC's disk, restores it to a whole room by multicast, and verifies every PC.",
    )
    .version(version)
    .option("--data <DIR>", "the folder with the server's state, images and local socket", folder)
    .option("--server <URL>", "a remote server, like https://10.77.0.1:8443")
    .option(
      "--ca <FILE>",
      "whose certificates to trust for --server; by default whom the system trusts",
    )
    .option("--token-file <F>", "the file with the operator's token for --server")
    .option(
      "--server-name <SERVER>",
      "the server of the campus that shall do it, as `roomcast status` lists them; by default the one that is asked",
    )
    .option("--json", "print one JSON document; while waiting, one event per line", false)
    .option("--yes", "do not ask before data is destroyed", false)
    .option("--plain", "no colours, and no line that is drawn again (also by NO_COLOR)", false)
    .option("--debug", "print stack traces with errors", false)
    .addHelpText("after", pinHelp)
    .exitOverride()
    .showHelpAfterError("(see --help)");
  addServeCommand(program);
  addSetupCommand(program, run);
  addBackupCommands(program, run);
  addMigrateCommand(program, run);
  addStatusCommands(program, run);
  addConsoleCommand(program, run, terminal);
  addDoctorCommand(program, run);
  addPcCommands(program, run, terminal.term);
  addRoomCommands(program, run);
  addImageCommands(program, run);
  addRestoreCommands(program, run);
  addSessionCommands(program, run);
  addReportCommands(program, run);
  addRequestCommands(program, run);
  addScheduleCommands(program, run);
  addHistoryCommand(program, run);
  addOperatorCommands(program, run);
  addKeyCommands(program, run);
  addTrustCommands(program, run);
  addAgentCommand(program, run);
  addCompleteCommand(program, run);
  addExamples(program);
  return program;
}

/** Not an option of the parser's: `pins.ts` says why. */
const pinHelp = `
Beside --server:
  --pin <KEY>         the key of the server, as its ready line and \`roomcast trust show\` have it:
                      sha256:…; no certificate is asked for then`;
