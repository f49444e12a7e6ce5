import type { Command } from "commander";
import { sizeText } from "../../core/screen/format.ts";
import type { StatusView } from "../../core/wire/api.ts";
import type { RunCommand } from "./program.ts";

export function addStatusCommands(program: Command, run: RunCommand): void {
  program
    .command("status")
    .description("shows the server's version, listeners, counts and store size")
    .action(() =>
      run(async ({ client, say, document }) => {
        const status = await client.get<StatusView>("/status");
        document(status);
        say(`roomcast ${status.version} at ${status.url} since ${status.startedAt}`);
        say(`listeners  ${status.listeners.join(", ")}`);
        for (const { interface: name, address, trouble, dhcp } of status.networks) {
          const how = dhcp === null ? "not served" : `DHCP ${dhcp.mode} (${dhcp.why})`;
          say(`network    ${name} ${address ?? "without an address"}, ${trouble ?? how}`);
        }
        say(`PCs        ${status.online} of ${status.pcs} online in ${status.rooms} rooms`);
        say(`sessions   ${status.sessions} running`);
        const stored = sizeText(status.storedBytes);
        say(`store      ${status.images} images, ${stored}, ${sizeText(status.freeBytes)} free`);
        for (const text of status.warnings) say(`! ${text}`);
        return 0;
      }),
    );
}
