import type { Command } from "commander";
import { sizeText } from "../../core/screen/format.ts";
import type { StatusView } from "../../core/wire/api.ts";
import type { CampusStatus } from "../../core/wire/campus.ts";
import type { RunCommand } from "./context.ts";

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
        for (const line of campusLines(status.campus)) say(line);
        for (const text of status.warnings) say(`! ${text}`);
        return 0;
      }),
    );
}

function campusLines(campus: CampusStatus | null): string[] {
  if (campus === null) return [];
  const { server: own, away, servers } = campus;
  const isThere = away === null ? "" : `; its database is away since ${away.since}`;
  return [
    `campus     this server is ${own}${isThere}`,
    ...servers.map(({ name, address, version, away: since }) => {
      const state = since === null ? "" : `, away since ${since}`;
      return `server     ${name} ${address ?? "without an address"}, roomcast ${version}${state}`;
    }),
  ];
}
