/** The commands that are not clients of a server: they run the server's own code on this host. */
import { networkInterfaces } from "node:os";
import { RoomcastError } from "../../core/errors.ts";
import type { DoctorView } from "../../core/wire/api.ts";

export { addServeCommand } from "../../server/serve-command.ts";

/** What `doctor` finds on a host where no server is running. Throws `usage`. */
export async function examineWithoutServer(
  dataFolder: string,
  given: string | undefined,
): Promise<DoctorView> {
  const interfaceName = given ?? onlyInterface();
  const { builtBootFolder, doctorView, examineHost, lookForDhcp } = await import(
    "../../server/doctor/examine.ts"
  );
  const own = networkInterfaces()[interfaceName]?.find(({ family }) => family === "IPv4");
  const findings = await examineHost({
    interfaces: [{ name: interfaceName, pcAddresses: [] }],
    ...{ dataFolder, bootFolder: builtBootFolder, server: null },
  });
  const others = own === undefined ? [] : await lookForDhcp(interfaceName, own.address);
  return doctorView([interfaceName], false, [...findings, ...others]);
}

/** What `setup` does on this host. */
export const setupHere = async () => ({
  ...(await import("../../server/setup/choices.ts")),
  ...(await import("../../server/host/config-file.ts")),
  ...(await import("../../server/setup/configuration.ts")),
  ...(await import("../../server/setup/interfaces.ts")),
  ...(await import("../../server/setup/service.ts")),
});

/** What `backup` and `restore-backup` do on this host. */
export const backupHere = async () => ({
  ...(await import("../../server/backup/backup.ts")),
  ...(await import("../../server/backup/restore.ts")),
});

/** What `migrate` does on this host. */
export const migrateHere = async () => ({
  ...(await import("../../server/host/config.ts")),
  ...(await import("../../server/host/config-file.ts")),
  ...(await import("../../server/migrate/config-part.ts")),
  ...(await import("../../server/migrate/migrate.ts")),
});

/** The host's only interface with an IPv4 address. Throws `usage` if there are more, or none. */
function onlyInterface(): string {
  const names = Object.entries(networkInterfaces())
    .filter(([, all]) => all?.some(({ family, internal }) => family === "IPv4" && !internal))
    .map(([name]) => name);
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw new RoomcastError(
    "usage",
    "no server is running on this data folder, and it is unclear which interface the lab is on",
    names.length === 0
      ? "give an interface an IPv4 address, and name it with --interface"
      : `name it with --interface: ${names.join(", ")}`,
  );
}
