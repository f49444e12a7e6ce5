import type { ReadStream, WriteStream } from "node:tty";
import type { ShellSize } from "../../core/wire/shell.ts";
import type { ApiClient } from "./client.ts";
import { openShell } from "./shell-client.ts";

/** Ctrl-], as in telnet: leaves the shell, whatever is running in it. */
const leave = 0x1d;

export interface ShellTerminal {
  readonly term: string;
  readonly input: ReadStream;
  readonly output: WriteStream;
}

/**
 * Runs a shell on a PC in this terminal until the shell ends or the user leaves it. Answers its exit
 * status, or the reason why there is none. Rejects with the server's refusal.
 */
export async function shellInTerminal(
  client: Pick<ApiClient, "place" | "server">,
  pc: string,
  { term, input, output }: ShellTerminal,
): Promise<{ readonly status: number | null; readonly reason: string | null }> {
  const size = (): ShellSize => ({ columns: output.columns, lines: output.rows });
  const opened = await openShell(client, {
    ...{ pc, term, size: size() },
    onShown: (bytes) => void output.write(bytes),
  });
  output.write(`This is a shell on ${pc}. Opening it was logged. Ctrl-] leaves it.\r\n`);
  let isLeft = false;
  const onKeys = (keys: Buffer): void => {
    if (!keys.includes(leave)) return opened.type(keys);
    isLeft = true;
    opened.close();
  };
  const onResize = (): void => opened.resize(size());
  input.setRawMode(true);
  input.on("data", onKeys);
  input.resume();
  output.on("resize", onResize);
  try {
    const { status, reason } = await opened.ended;
    return { status, reason: isLeft ? null : reason };
  } finally {
    output.off("resize", onResize);
    input.off("data", onKeys);
    input.setRawMode(false);
    input.pause();
  }
}
