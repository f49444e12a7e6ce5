/** The commands that are no client of a running server: they start the server's own parts on this host. */
import { networkInterfaces } from "node:os";
import { RoomcastError } from "../../core/errors.ts";
import type { DoctorView } from "../../core/wire/api.ts";
import {
  builtBootFolder,
  doctorView,
  examineHost,
  lookForDhcp,
} from "../../server/doctor/examine.ts";

export { addServeCommand } from "../../server/serve-command.ts";

/** What `doctor` says where no server runs; throws `usage`. */
export async function examineWithoutServer(
  dataFolder: string,
  given: string | undefined,
): Promise<DoctorView> {
  const interfaceName = given ?? onlyInterface();
  const own = networkInterfaces()[interfaceName]?.find(({ family }) => family === "IPv4");
  const findings = await examineHost({
    ...{ interfaceName, dataFolder, bootFolder: builtBootFolder, server: null, pcAddresses: [] },
  });
  const others = own === undefined ? [] : await lookForDhcp(interfaceName, own.address);
  return doctorView(interfaceName, false, [...findings, ...others]);
}

/** Throws `usage` when it is not clear which interface is meant. */
function onlyInterface(): string {
  const names = Object.entries(networkInterfaces())
    .filter(([, all]) => all?.some(({ family, internal }) => family === "IPv4" && !internal))
    .map(([name]) => name);
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw new RoomcastError(
    "usage",
    "no server runs on this data folder, and it is not clear which interface the lab is on",
    `name it with --interface, one of: ${names.length === 0 ? "none has an IPv4 address" : names.join(", ")}`,
  );
}
