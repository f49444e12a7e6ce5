import { join } from "node:path";
import { neededFiles, signedFiles } from "../../core/boot/boot-files.ts";
import { feigning } from "../../core/boot/dhcp-watch.ts";
import type { DhcpStatus, DoctorView, Finding } from "../../core/wire/api.ts";
import { usualPorts } from "../host/config.ts";
import { startDhcpWatcher } from "../host/dhcp-watcher.ts";
import {
  bootFileChecks,
  clockCheck,
  firewallChecks,
  interfaceChecks,
  portChecks,
  portsWanted,
  problem,
  routeChecks,
  spaceCheck,
  warning,
} from "./host-checks.ts";
import { secureBootChecks } from "./secure-boot-checks.ts";

export interface HostToExamine {
  /** Those of the lab's networks, each with the PCs that are known there. */
  readonly interfaces: readonly {
    readonly name: string;
    readonly pcAddresses: readonly string[];
  }[];
  readonly dataFolder: string;
  readonly bootFolder: string;
  /** The running server: its process, and how it answers DHCP on its networks. Null if none is running. */
  readonly server: {
    readonly pid: number;
    readonly modes: readonly DhcpStatus["mode"][];
    readonly httpPort: number;
    readonly httpsPort: number;
    /** Whether PCs with Secure Boot get the site's own image. */
    readonly hasOwnImage: boolean;
  } | null;
}

export const builtBootFolder = join(import.meta.dirname, "..", "..", "build", "boot");

/** The findings about the host, in the order in which to fix them. */
export async function examineHost(host: HostToExamine): Promise<Finding[]> {
  const { interfaces, server } = host;
  const ports = portsWanted(server?.modes ?? null, server ?? usualPorts);
  const walls = await Promise.all(interfaces.map(({ name }) => firewallChecks(name, ports)));
  return [
    ...interfaces.flatMap(({ name }) => interfaceChecks(name)),
    ...portChecks(ports, server?.pid ?? null),
    ...walls.flat(),
    ...interfaces.flatMap(({ name, pcAddresses }) => routeChecks(name, pcAddresses)),
    ...bootFileChecks(host.bootFolder, { needed: neededFiles, signed: signedFiles }),
    ...(await secureBootChecks(host)),
    await spaceCheck(host.dataFolder),
    await clockCheck(new Date()),
  ];
}

/** Looks for other DHCP servers on a host whose server is not running. Takes up to 4.5 s. */
export async function lookForDhcp(interfaceName: string, address: string): Promise<Finding[]> {
  try {
    const { promise: failed, reject: onError } = Promise.withResolvers<never>();
    using watcher = startDhcpWatcher({ interfaceName, address, onFact: () => {}, onError });
    await Promise.race([watcher.looked, failed]);
    return watcher.servers.flatMap((server) => [
      warning(
        "DHCP",
        `${server.address} ${server.givesAddresses ? "leases addresses" : "tells PCs what to boot"} on ${interfaceName}`,
        server.givesAddresses
          ? "use --dhcp auto or proxy: then that server keeps leasing them"
          : "turn off its network boot, or PCs may start from it",
      ),
      ...(server.feignsPxe ? [problem("DHCP", ...feigning(server))] : []),
    ]);
  } catch (error) {
    return [problem("DHCP", (error as Error).message, "run it as root")];
  }
}

export const doctorView = (
  interfaces: readonly string[],
  isServing: boolean,
  findings: readonly Finding[],
): DoctorView => ({
  interfaces: [...interfaces],
  isServing,
  isWell: findings.every(({ level }) => level !== "problem"),
  findings: [...findings],
});
