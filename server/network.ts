/** One network of the lab, served at the address that its interface has: DHCP, TFTP, boot files, gate and API. */
import type { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";
import { errorText, RoomcastError } from "../core/errors.ts";
import type { DhcpStatus } from "../core/wire/api.ts";
import type { ApiPorts } from "./api/routes.ts";
import { application, bootApplication, networkApplication } from "./applications.ts";
import { type BootServicesOptions, startBootServices } from "./gate/boot/boot-services.ts";
import type { GatePorts } from "./gate/gate.ts";
import type { GateKeys } from "./gate/keys.ts";
import { strangersLimit } from "./gate/strangers.ts";
import type { Tls } from "./gate/tls.ts";
import type { ArpHearing } from "./host/arp-hearing.ts";
import type { Config } from "./host/config.ts";
import { type IgmpListener, openIgmpListener } from "./host/igmp-listener.ts";
import type { InterfaceAddress } from "./host/interface-address.ts";
import type { Log } from "./host/log.ts";
import { dhcpConfigOf, type NetworkPlan } from "./host/network-plans.ts";

/** What all networks of a server have in common. */
export interface NetworkPorts {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly config: Config;
  readonly bootFolder: string;
  /** Of the page's files. */
  readonly pageFolder: string;
  readonly keys: GateKeys;
  readonly tls: Tls;
  /** By which the server goes on every network, beside its address. */
  readonly names: readonly string[];
  readonly api: ApiPorts;
  readonly gate: Omit<GatePorts, "interfaceAddress">;
  readonly state: BootServicesOptions["state"];
  /** Is told which networks there are to hear ARP on. */
  readonly arp: Pick<ArpHearing, "serve">;
  readonly log: Log;
}

export interface ServedNetwork extends AsyncDisposable {
  readonly at: InterfaceAddress;
  readonly url: string;
  readonly gateUrl: string;
  /** For people: what listens where. */
  readonly listeners: readonly string[];
  dhcpStatus(): DhcpStatus;
  /** The PCs whose network boot does not go on, a line each. */
  readonly pcTroubles: readonly string[];
  /** Null without the privilege, which only a server that boots nobody can do without. */
  readonly igmp: IgmpListener | null;
  /** The gate has another key. */
  renewTls(): void;
}

/** How many networks the server has, which this is one of, and who hears what is wrong on it. */
export interface NetworkPlace {
  readonly count: number;
  warn(texts: readonly string[]): void;
}

/** Starts all that PCs and operators use on one network. Rejects with what keeps it from being served. */
export async function serveNetwork(
  plan: NetworkPlan,
  at: InterfaceAddress,
  { count, warn }: NetworkPlace,
  ports: NetworkPorts,
): Promise<ServedNetwork> {
  const { interfaceName } = plan;
  const { address, netmask } = at;
  const { config, keys, tls, log, httpPort, httpsPort } = ports;
  const url = `http://${address}:${httpPort}`;
  const gateUrl = `https://${address}:${httpsPort}`;
  await using opened = new AsyncDisposableStack();
  const igmp = igmpListener(interfaceName, log);
  if (igmp !== null) opened.use(igmp);
  const services = opened.use(
    await startBootServices({
      ...{ interfaceName, address, netmask, warn, log },
      serverUrl: url,
      gate: () => ({ url: gateUrl, pins: keys.pins }),
      folder: ports.bootFolder,
      boot: config.boot ?? {},
      dhcp: {
        ...{ wanted: plan.dhcp, relayed: plan.relayed },
        config: dhcpConfigOf(plan, at, config, count),
      },
      state: ports.state,
      lab: ports.gate.lab,
    }),
  );
  const forNetwork = application(log, tls.options());
  opened.defer(() => forNetwork.close());
  await networkApplication(forNetwork, {
    ...{ api: ports.api, names: [address, ...ports.names], pageFolder: ports.pageFolder },
    gate: { ...ports.gate, interfaceAddress: address },
  });
  const forBoot = application(log);
  opened.defer(() => forBoot.close());
  await bootApplication(forBoot, services.forRoutes);
  await listenAt(forNetwork, { host: address, port: httpsPort }, "--https-port");
  await listenAt(forBoot, { host: address, port: httpPort }, "--http-port");
  opened.use(ports.arp.serve(interfaceName));
  const kept = opened.move();
  return {
    ...{ at, url, gateUrl, igmp },
    listeners: [url, gateUrl, ...services.listeners],
    dhcpStatus: () => services.dhcpStatus(),
    get pcTroubles() {
      return services.pcTroubles;
    },
    renewTls: () => tls.renew(forNetwork.server as unknown as TlsServer, keys.current),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function igmpListener(interfaceName: string, log: Log): IgmpListener | null {
  try {
    return openIgmpListener(interfaceName);
  } catch (error) {
    log.warn({ err: error, interface: interfaceName }, "no IGMP querier can be seen");
    return null;
  }
}

/**
 * `option` is how another port is chosen. As many as may be strangers wait in the kernel's queue: who finds that full
 * comes again after one second, two and four.
 */
async function listenAt(
  app: FastifyInstance,
  where: { readonly host: string; readonly port: number },
  option: string,
): Promise<void> {
  try {
    await app.listen({ ...where, backlog: strangersLimit });
  } catch (cause) {
    const what = `cannot listen on port ${where.port} of ${where.host}: ${errorText(cause)}`;
    const next = `end the program that has it (\`ss -lpn\`), or choose another with ${option}`;
    throw new RoomcastError("failed", what, next, { cause });
  }
}
