import { prepareProcess } from "../core/node/command-line.ts";
import { runCommandLine } from "./cli/program.ts";

prepareProcess();
process.exitCode = await runCommandLine(process.argv, process.env);
