/** How the server is started: what the command line says, and where it says nothing, the configuration. */
import { RoomcastError } from "../../core/errors.ts";
import type { Config } from "./config.ts";

/** `auto`: as a proxy where another server leases addresses, else as a server. */
export type WantedDhcp = "auto" | "server" | "proxy" | "off";

/** What the command line says; undefined: nothing. */
export interface GivenSettings {
  readonly interface?: string;
  readonly dhcp?: WantedDhcp;
  readonly range?: string;
  readonly httpPort?: number;
  readonly httpsPort?: number;
}

export interface ServeSettings {
  readonly interfaceName: string;
  readonly dhcp: WantedDhcp;
  /** FIRST-LAST */
  readonly range: string | null;
  readonly httpPort: number;
  readonly httpsPort: number;
}

export const defaultPorts = { httpPort: 8080, httpsPort: 8443 } as const;

/** Throws `usage` when neither names an interface. */
export function serveSettings(
  given: GivenSettings,
  { server = {}, dhcp = {} }: Config,
): ServeSettings {
  const interfaceName = given.interface ?? server.interface;
  if (interfaceName === undefined) {
    throw new RoomcastError(
      "usage",
      "nobody says which interface the lab is on",
      "name it with --interface, or as `interface` in [server] of the configuration",
    );
  }
  return {
    interfaceName,
    dhcp: given.dhcp ?? server.dhcp ?? "auto",
    range: given.range ?? dhcp.range ?? null,
    httpPort: given.httpPort ?? server.httpPort ?? defaultPorts.httpPort,
    httpsPort: given.httpsPort ?? server.httpsPort ?? defaultPorts.httpsPort,
  };
}
