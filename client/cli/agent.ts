import { type Command, InvalidArgumentError } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { parseMac } from "../../core/units/mac.ts";
import { runAgent } from "../../initrd/agent/run.ts";
import type { GlobalOptions } from "./context.ts";
import type { RunCommand } from "./program.ts";

interface AgentOptions {
  readonly disk?: string[];
  readonly interface?: string;
  readonly mac?: string;
  readonly name?: string;
  readonly headless?: boolean;
  readonly once?: boolean;
  readonly shell?: boolean;
}

export function addAgentCommand(program: Command, run: RunCommand): void {
  program
    .command("agent")
    .description(
      "the agent on any Linux host, on the disks that --disk names and no other; --server http://ADDRESS:PORT is the lab server",
    )
    .option("--disk <PATH...>", "files or devices it may use; nothing else is ever touched")
    .option("--interface <IF>", "the interface that hears the cast")
    .option("--mac <MAC>", "the address it registers with", mac)
    .option("--name <N>", "the name it asks for")
    .option("--headless", "no screen: a line an event on stderr")
    .option("--shell", "operators may open a shell on this host")
    .option("--once", "end after one session, with that session's exit status")
    .action((options: AgentOptions) =>
      run(
        () =>
          runAgent({
            server: serverOf(program),
            disks: options.disk ?? [],
            interface: options.interface ?? null,
            mac: options.mac ?? null,
            name: options.name ?? null,
            headless: options.headless ?? false,
            once: options.once ?? false,
            shell: options.shell ?? false,
            signal: endOfProcess(),
          }),
        { isLocal: true },
      ),
    );
}

function serverOf(program: Command): string {
  const { server } = program.opts<GlobalOptions>();
  if (server !== undefined) return server;
  throw new RoomcastError(
    "usage",
    "the agent has to know its server",
    "name it with --server http://ADDRESS:PORT",
  );
}

/** A task is ended tidily, and the terminal is given back. */
function endOfProcess(): AbortSignal {
  const ended = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.once(signal, () => ended.abort());
  }
  return ended.signal;
}

function mac(text: string): string {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new InvalidArgumentError("an address as 52:54:00:12:34:56");
  return parsed;
}
