import { RoomcastError } from "../../core/errors.ts";
import { shellInTerminal } from "../api/shell-terminal.ts";
import type { CliContext } from "./context.ts";

/** A shell on a PC, in this terminal; answers the shell's exit status. */
export async function shell({ client }: CliContext, pc: string, term: string): Promise<number> {
  const { stdin: input, stdout: output } = process;
  if (!input.isTTY || !output.isTTY) {
    throw new RoomcastError("usage", "a shell needs a terminal", "run this command in one");
  }
  const { status, reason } = await shellInTerminal(client, pc, { term, input, output });
  if (reason !== null) process.stderr.write(`\r\nroomcast: ${reason}\r\n`);
  return status ?? 1;
}
