import { RoomcastError } from "../../core/errors.ts";
import type { ShellSize } from "../../core/wire/shell.ts";
import { openShell } from "../api/shell-client.ts";
import type { CliContext } from "./context.ts";

/** Ctrl-], as telnet has it: leaves the shell, whatever runs in it. */
const leave = 0x1d;

/** A shell on a PC, in this terminal; answers the shell's exit status. */
export async function shell({ client }: CliContext, pc: string, term: string): Promise<number> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) {
    throw new RoomcastError("usage", "a shell needs a terminal", "run it in one");
  }
  const size = (): ShellSize => ({ columns: stdout.columns, lines: stdout.rows });
  const opened = await openShell(client.place, {
    ...{ pc, term, size: size() },
    onShown: (bytes) => void stdout.write(bytes),
  });
  stdout.write(`A shell on ${pc}; it is written down that you opened it. Ctrl-] leaves.\r\n`);
  const onKeys = (keys: Buffer): void => {
    if (keys.includes(leave)) opened.close();
    else opened.type(keys);
  };
  const onResize = (): void => opened.resize(size());
  stdin.setRawMode(true);
  stdin.on("data", onKeys);
  stdout.on("resize", onResize);
  try {
    const { status, reason } = await opened.ended;
    if (reason !== null) process.stderr.write(`\r\nroomcast: ${reason}\r\n`);
    return status ?? 1;
  } finally {
    stdout.off("resize", onResize);
    stdin.off("data", onKeys);
    stdin.setRawMode(false);
    stdin.pause();
  }
}
