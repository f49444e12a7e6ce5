import { type Command, InvalidArgumentError, Option } from "commander";
import type { DhcpMode } from "../core/wire/api.ts";
import type { ServiceManager } from "./host/service-manager.ts";

interface ServeArguments {
  readonly interface?: string[];
  readonly dhcp?: "auto" | DhcpMode;
  readonly range?: string;
  readonly httpPort?: number;
  readonly httpsPort?: number;
  readonly config?: string;
}

/** Declares `serve`; it runs until SIGTERM or SIGINT. `manager` hears how it is. */
export function addServeCommand(program: Command, manager?: ServiceManager): void {
  program
    .command("serve")
    .description("runs the lab server in the foreground")
    .option(
      "--interface <IF>",
      "the interface of a lab network, once for each; it serves those that the configuration names, too, and no other",
      (name: string, before: string[] = []) => [...before, name],
    )
    .addOption(
      new Option(
        "--dhcp <MODE>",
        "server: lease addresses; proxy: only tell PCs what to boot; auto, the default: proxy if another DHCP server answers, else server",
      ).choices(["auto", "server", "proxy", "off"]),
    )
    .option(
      "--range <FIRST-LAST>",
      "the addresses to lease; by default the upper half of the subnet",
    )
    .option("--http-port <PORT>", "the TCP port for boot files, in clear; by default 8080", port)
    .option(
      "--https-port <PORT>",
      "the TCP port for agents and operators, over TLS; by default 8443",
      port,
    )
    .option("--config <FILE>", "a TOML file with settings")
    .action(async (options: ServeArguments) => {
      const stop = new AbortController();
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        process.once(signal, () => {
          manager?.stopping();
          stop.abort();
        });
      }
      // The command line of every other command declares this one, and need not load the server.
      const { readConfig, usualPorts } = await import("./host/config.ts");
      const config = options.config === undefined ? {} : await readConfig(options.config);
      const { serve } = await import("./serve.ts");
      await serve({
        config,
        dataFolder: program.opts<{ data: string }>().data,
        interfaces: options.interface ?? [],
        dhcp: options.dhcp ?? null,
        range: options.range ?? null,
        httpPort: options.httpPort ?? config.server?.httpPort ?? usualPorts.httpPort,
        httpsPort: options.httpsPort ?? config.server?.httpsPort ?? usualPorts.httpsPort,
        signal: stop.signal,
        takesLong: (status) => manager?.takesLong(status) ?? { [Symbol.dispose]() {} },
        ready({ url, gateUrl, pin }) {
          process.stdout.write(`roomcast ready ${url} ${gateUrl} ${pin}\n`);
          manager?.ready(`serves PCs at ${url}, operators at ${gateUrl}`);
        },
      });
    });
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new InvalidArgumentError("It has to be a port from 1 to 65535.");
  }
  return value;
}
