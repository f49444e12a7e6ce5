import { type Command, InvalidArgumentError } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { parseMac } from "../../core/units/mac.ts";
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
      "runs the agent on any Linux host; it uses only the disks that --disk names (needs --server)",
    )
    .option("--disk <PATH...>", "files or devices that it may use; it touches no others")
    .option("--interface <IF>", "the interface that receives the multicast")
    .option("--mac <MAC>", "the MAC address that it registers with", mac)
    .option("--name <N>", "the name that it asks the server for")
    .option("--headless", "shows no screen, but writes a line for each event to stderr")
    .option("--shell", "lets operators open a shell on this host")
    .option("--once", "ends after one session, with that session's exit status")
    .action((options: AgentOptions) =>
      run(
        async () => {
          const { runAgent } = await import("../../initrd/agent/run.ts");
          return runAgent({
            server: serverOf(program),
            disks: options.disk ?? [],
            interface: options.interface ?? null,
            mac: options.mac ?? null,
            name: options.name ?? null,
            headless: options.headless ?? false,
            once: options.once ?? false,
            shell: options.shell ?? false,
            signal: endOfProcess(),
          });
        },
        { isLocal: true },
      ),
    );
}

function serverOf(program: Command): string {
  const { server } = program.opts<GlobalOptions>();
  if (server !== undefined) return server;
  throw new RoomcastError(
    "usage",
    "the agent does not know its server",
    "name it with --server http://ADDRESS:PORT",
  );
}

/** The signals let the agent end its task and give the terminal back. */
function endOfProcess(): AbortSignal {
  const ended = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.once(signal, () => ended.abort());
  }
  return ended.signal;
}

function mac(text: string): string {
  const parsed = parseMac(text);
  if (parsed === undefined)
    throw new InvalidArgumentError("a MAC address looks like 52:54:00:12:34:56");
  return parsed;
}
