import { type Command, InvalidArgumentError, Option } from "commander";
import { defaultPorts, type GivenSettings, serveSettings } from "./host/serve-settings.ts";
import type { ServiceManager } from "./host/service-manager.ts";

interface ServeArguments extends GivenSettings {
  readonly config?: string;
}

/** Declares `serve`; it runs until SIGTERM or SIGINT. `manager` hears how it is. */
export function addServeCommand(program: Command, manager?: ServiceManager): void {
  program
    .command("serve")
    .description("runs the lab server in the foreground")
    .option(
      "--interface <IF>",
      "the interface of the lab network; it serves no other; by default the configuration names it",
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
    .option(
      "--http-port <PORT>",
      `the TCP port for boot files, in clear; by default ${defaultPorts.httpPort}`,
      port,
    )
    .option(
      "--https-port <PORT>",
      `the TCP port for agents and operators, over TLS; by default ${defaultPorts.httpsPort}`,
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
      const { readConfig } = await import("./host/config.ts");
      const config = options.config === undefined ? {} : await readConfig(options.config);
      const settings = serveSettings(options, config);
      const { serve } = await import("./serve.ts");
      await serve({
        ...settings,
        config,
        dataFolder: program.opts<{ data: string }>().data,
        signal: stop.signal,
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
