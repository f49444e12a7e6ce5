import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Lease } from "../../core/boot/lease-pool.ts";
import { RoomcastError } from "../../core/errors.ts";
import { ipv4ToText } from "../../core/units/ipv4.ts";
import type { MacAddress } from "../../core/units/mac.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { StateStore } from "../state/state-store.ts";
import { bootRoutes } from "./boot-routes.ts";
import { startDhcpListener } from "./dhcp-listener.ts";
import { dhcpSettings } from "./dhcp-settings.ts";
import { startTftpListener } from "./tftp-listener.ts";

export interface BootServicesOptions {
  readonly interfaceName: string;
  readonly address: string;
  readonly serverUrl: string;
  readonly folder: string;
  readonly kernelArguments: readonly string[];
  /** null: no addresses are given, nothing is said about booting. */
  readonly dhcp: NonNullable<Config["dhcp"]> | null;
  readonly state: StateStore;
  readonly lab: {
    bootDecision(mac: MacAddress): "agent" | "local-disk";
    booting(mac: MacAddress): void;
  };
  readonly log: Log;
}

export interface BootServices extends AsyncDisposable {
  readonly routes: (app: FastifyInstance) => Promise<void>;
  /** For people: what listens where. */
  readonly listeners: readonly string[];
}

const neededFiles = ["vmlinuz", "initrd.img", "undionly.kpxe", "snponly.efi"];

/** Starts DHCP and TFTP as wanted, and answers the HTTP routes that belong to them. */
export async function startBootServices(options: BootServicesOptions): Promise<BootServices> {
  const { interfaceName, address, folder, dhcp, log, lab } = options;
  const listeners: string[] = [];
  await using opened = new AsyncDisposableStack();
  if (dhcp !== null) {
    requireBootFiles(folder);
    const netmask = netmaskOf(interfaceName, address);
    const { serverUrl } = options;
    const settings = dhcpSettings({ address, netmask, serverUrl }, dhcp);
    const onError = (error: Error): void => log.warn({ err: error }, "boot service");
    opened.use(
      await startDhcpListener({
        ...settings,
        interfaceName,
        port: 67,
        leases: {
          load: () => options.state.leases().map(({ record }) => record as Lease),
          save: (lease) => options.state.saveLease(lease.mac, lease),
          remove: (mac) => options.state.removeLease(mac),
        },
        onFact: ({ text, kind, ...fields }) => {
          const level = kind === "exhausted" || kind === "unsupported" ? "warn" : "info";
          log[level]({ ...fields, interface: interfaceName }, `DHCP: ${text}`);
        },
        onError,
      }),
    );
    const { first, last } = settings.range;
    listeners.push(`DHCP ${interfaceName} ${ipv4ToText(first)}-${ipv4ToText(last)}`);
    opened.use(
      await startTftpListener({
        address,
        port: 69,
        folder,
        onFact: ({ outcome, ...fields }) => log.info(fields, `TFTP: ${outcome}`),
        onError,
      }),
    );
    listeners.push(`TFTP ${address}:69`);
  }
  const kept = opened.move();
  return {
    listeners,
    routes: async (app) =>
      bootRoutes(app, {
        folder,
        serverUrl: options.serverUrl,
        kernelArguments: options.kernelArguments,
        decide: (mac) => lab.bootDecision(mac),
        onBoot: (mac) => lab.booting(mac),
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function requireBootFiles(folder: string): void {
  const missing = neededFiles.filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) return;
  throw new RoomcastError(
    "not-found",
    `${folder} lacks ${missing.join(", ")}`,
    "make the boot image with `make initrd`, or name its folder in the configuration",
  );
}

/** The netmask of the interface's own address. */
function netmaskOf(interfaceName: string, address: string): string {
  const own = networkInterfaces()[interfaceName]?.find((each) => each.address === address);
  return own?.netmask ?? "255.255.255.0";
}
