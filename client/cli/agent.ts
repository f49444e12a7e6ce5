import { dirname, join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { parseMac } from "../../core/units/mac.ts";
import type { GlobalOptions, RunCommand } from "./context.ts";

interface AgentOptions {
  readonly key?: string;
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
    .addOption(
      new Option(
        "--key <FILE>",
        "this host's key, and beside it the server's that is remembered; by default in the folder of the first disk file",
      ).env("ROOMCAST_AGENT_KEY"),
    )
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
          const disks = options.disk ?? [];
          const mac = options.mac ?? null;
          return runAgent({
            ...serverOf(program),
            keyFile: keyFileOf({ given: options.key, disks, mac }),
            disks,
            interface: options.interface ?? null,
            mac,
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

function serverOf(program: Command): { readonly server: string; readonly pins: readonly string[] } {
  const { server, pin } = program.opts<GlobalOptions>();
  if (server !== undefined) return { server, pins: pin ?? [] };
  throw new RoomcastError(
    "usage",
    "the agent does not know its server",
    "name it with --server https://ADDRESS:PORT --pin sha256:…, as the server's ready line has them",
  );
}

/**
 * Where a host that runs an agent keeps its key: the file that is named, or one in the folder of the first
 * disk file. Several agents may use disks of one folder, each with an address of its own.
 */
function keyFileOf({
  given,
  disks,
  mac,
}: {
  readonly given: string | undefined;
  readonly disks: readonly string[];
  readonly mac: string | null;
}): string | null {
  const [disk] = disks;
  if (given !== undefined) return given;
  if (disk === undefined || disk.startsWith("/dev/")) return null;
  const name = mac === null ? "" : `-${mac.replaceAll(":", "-")}`;
  return join(dirname(disk), `roomcast-agent${name}.key`);
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
