import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Command } from "commander";
import { shellInTerminal } from "../api/shell-terminal.ts";
import type { ClientTerminal, GlobalOptions, RunCommand } from "./context.ts";
import { splitWords } from "./words.ts";

export function addConsoleCommand(
  program: Command,
  run: RunCommand,
  { term, locale }: ClientTerminal,
): void {
  program
    .command("console")
    .description("opens the staff's full-screen console")
    .action(() =>
      run(async ({ client, plain }) => {
        const { stdin: input, stdout: output } = process;
        const { runConsole } = await import("../console/main.ts");
        return runConsole(client, {
          plain,
          locale,
          async shell(name) {
            const { reason } = await shellInTerminal(client, name, { term, input, output });
            return reason;
          },
          command: (line) => commandInTerminal(program.opts<GlobalOptions>(), splitWords(line)),
        });
      }),
    );
}

const main = join(import.meta.dirname, "..", "..", "bin", "roomcast.js");

/** Runs another command of roomcast in this terminal, on the same server; waits for Enter after it. */
async function commandInTerminal(
  { data, server, tokenFile, pin, ca, serverName, plain }: GlobalOptions,
  words: readonly string[],
): Promise<void> {
  const place = ["--data", data];
  if (server !== undefined) place.push("--server", server);
  if (tokenFile !== undefined) place.push("--token-file", tokenFile);
  if (ca !== undefined) place.push("--ca", ca);
  if (serverName !== undefined) place.push("--server-name", serverName);
  if (plain) place.push("--plain");
  for (const each of pin ?? []) place.push("--pin", each);
  const { stdin, stdout } = process;
  // Ctrl-C ends the command; the console stays.
  const ignore = (): void => {};
  process.on("SIGINT", ignore);
  try {
    stdout.write(`\n$ roomcast ${words.join(" ")}\n`);
    const options = ["--disable-warning=ExperimentalWarning", main, ...place, ...words];
    const child = spawn(process.execPath, options, { stdio: "inherit" });
    const [status] = (await once(child, "exit")) as [number | null];
    stdout.write(
      `\n${status === 0 ? "" : `Exit status ${status}. `}Press Enter to return to the console. `,
    );
    stdin.resume();
    await once(stdin, "data");
  } finally {
    process.off("SIGINT", ignore);
  }
}
