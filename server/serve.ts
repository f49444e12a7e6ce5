import { readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { hostname, type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";
import { errorText, RoomcastError } from "../core/errors.ts";
import { startCastReceiver } from "../core/node/cast/receiver.ts";
import { startCastSender } from "../core/node/cast/sender.ts";
import { systemClock } from "../core/node/clock.ts";
import { gateServername } from "../core/node/pin.ts";
import { version } from "../core/node/version.ts";
import { parseMac } from "../core/units/mac.ts";
import type { TrustView } from "../core/wire/api.ts";
import { Operators } from "./api/operators.ts";
import type { ApiPorts } from "./api/routes.ts";
import {
  application,
  bootApplication,
  localApplication,
  networkApplication,
} from "./applications.ts";
import { finishRestore } from "./backup/finish.ts";
import { builtBootFolder, doctorView, examineHost } from "./doctor/examine.ts";
import {
  bootFindings,
  dhcpFindings,
  linkFindings,
  lossFindings,
  querierFinding,
} from "./doctor/room-checks.ts";
import { startBootServices } from "./gate/boot/boot-services.ts";
import type { GatePorts } from "./gate/gate.ts";
import { Grants } from "./gate/grants.ts";
import { type GateKey, GateKeys } from "./gate/keys.ts";
import { AgentLinks } from "./gate/link.ts";
import { SigningKeys } from "./gate/signing-keys.ts";
import { readSiteCertificate } from "./gate/site-certificate.ts";
import { Tls } from "./gate/tls.ts";
import { openArpListener } from "./host/arp-listener.ts";
import { type Config, rateLimitOf } from "./host/config.ts";
import { openDataFolder } from "./host/data-folder.ts";
import { startFitProgram } from "./host/fit-program.ts";
import { type IgmpListener, openIgmpListener } from "./host/igmp-listener.ts";
import { openLastResort } from "./host/last-resort.ts";
import { type Log, openLog } from "./host/log.ts";
import type { ServeSettings } from "./host/serve-settings.ts";
import { askSsh } from "./host/ssh-banner.ts";
import { sendMagicPackets } from "./host/wake.ts";
import type { LabNetwork } from "./lab/addresses.ts";
import type { StartFit } from "./lab/fits.ts";
import { Lab } from "./lab/lab.ts";
import { openStateStore } from "./state/state-store.ts";
import { type ImageStore, openImageStore } from "./store/image-store.ts";

export interface ServeOptions extends ServeSettings {
  readonly dataFolder: string;
  readonly config: Config;
  readonly signal: AbortSignal;
  /** Every listener is up; `pin` is the gate's key. */
  ready(up: { readonly url: string; readonly gateUrl: string; readonly pin: string }): void;
}

/**
 * Runs the lab server until `signal`; then puts everything to rest so that it can go on later. Does the
 * same after an error outside of any handler, and rejects with `failed` then.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { dataFolder, interfaceName, httpPort, httpsPort, config } = options;
  const log = openLog(process.stderr.isTTY === true);
  using lastResort = openLastResort(log);
  const { address, netmask } = ownAddress(interfaceName);
  const url = `http://${address}:${httpPort}`;
  const gateUrl = `https://${address}:${httpsPort}`;
  const startedAt = systemClock.isoTime();
  await using cleanup = new AsyncDisposableStack();

  // What is made from here on, state.db and the local socket too, is the owner's alone.
  process.umask(0o077);
  if (await finishRestore(dataFolder)) log.warn("a backup was being restored: it is whole now");
  for (const text of await openDataFolder(dataFolder)) log.warn(text);
  const keys = await GateKeys.open(dataFolder);
  const signing = await SigningKeys.open(dataFolder);
  const tls = new Tls(keys.current, await readSiteCertificate(config.tls));
  const socketPath = join(dataFolder, "roomcast.sock");
  await claimSocket(socketPath);
  const state = openStateStore(dataFolder);
  cleanup.defer(() => state.close());
  const storeFolder = join(dataFolder, "store");
  const images = cleanup.use(await openImageStore(storeFolder));
  for (const text of [...images.problems, ...images.warnings]) log.warn({ storeFolder }, text);

  const links = new AgentLinks(log, () => keys.pins);
  const grants = new Grants();
  const isReachable = Promise.withResolvers<void>();
  const lab = new Lab({
    ...{ state, images, dataFolder },
    clock: systemClock,
    version,
    agents: links,
    network: labNetwork(address, netmask, config),
    openSender: async ({ address: cast, imageId, room }, stats) =>
      startCastSender(
        {
          ...cast,
          interfaceAddress: address,
          index: await images.index(imageId),
          source: {
            module: new URL("./store/cast-source.ts", import.meta.url).href,
            config: { directory: storeFolder, imageId },
          },
          rateLimitBps: rateLimitOf(config, room),
          linkBps: await linkBpsOf(interfaceName),
        },
        { stats },
      ),
    startReceiver: (receiver, events) =>
      startCastReceiver({ ...receiver, interfaceAddress: address }, events),
    seal: (grant) => grants.seal(grant),
    rateLimitBps: (room) => rateLimitOf(config, room),
    senses: {
      hearArp: (heard) =>
        openArpListener({
          ...{ interfaceName, heard },
          onError: (err) => log.warn({ err }, "ARP"),
        }),
      askSsh: (at) => askSsh(interfaceName, at),
    },
    startFit: fitStarter({ dataFolder, reachable: isReachable.promise, log }),
    wake: (macs) => sendMagicPackets({ interfaceName, macs }),
    log: (fields, text) => log.info(fields, text),
  });
  // A start that fails later leaves nothing that keeps the process; done twice, it does nothing more.
  cleanup.defer(() => lab.close());

  const bootFolder = config.boot?.folder ?? builtBootFolder;
  const igmp = igmpListener(interfaceName, log);
  if (igmp !== null) cleanup.use(igmp);
  const services = cleanup.use(
    await startBootServices({
      interfaceName,
      address,
      netmask,
      serverUrl: url,
      gate: () => ({ url: gateUrl, pins: keys.pins }),
      folder: bootFolder,
      boot: config.boot ?? {},
      dhcp: { wanted: options.dhcp, config: { ...config.dhcp, ...rangeOf(options) } },
      state,
      lab,
      log,
    }),
  );

  const listeners = [url, gateUrl, ...services.listeners, socketPath];
  const api: ApiPorts = {
    lab,
    images,
    state,
    operators: new Operators(state, systemClock),
    trust: {
      view: () => trustView(gateUrl, { keys, signing }, lab),
      certificate: (session) => signing.sign(lab.certificate(session)),
      async rotate() {
        await keys.rotate();
        links.tellKeys();
      },
      async finish() {
        await keys.finish();
        await signing.renew();
        tls.renew(forNetwork.server as unknown as TlsServer, keys.current);
        links.tellKeys();
      },
    },
    status: async () => ({
      ...(await counts(lab, images)),
      ...{ version, url, startedAt, listeners, interface: interfaceName },
      dhcp: services.dhcpStatus(),
      warnings: [...images.problems, ...images.warnings, ...lab.announcer.warnings],
    }),
    async doctor() {
      const pcs = lab.inventory.pcs().map((pc) => lab.pcView(pc));
      const dhcp = services.dhcpStatus();
      const findings = await examineHost({
        interfaceName,
        dataFolder,
        bootFolder,
        server: {
          ...{ pid: process.pid, mode: dhcp.mode, httpPort, httpsPort },
          hasOwnImage: config.boot?.secureBootImage === true,
        },
        pcAddresses: pcs.flatMap(({ ip, state }) =>
          ip === null || state === "offline" ? [] : [ip],
        ),
      });
      return doctorView(interfaceName, true, [
        ...findings,
        ...dhcpFindings(
          dhcp,
          lab.announcer.warnings.filter((text) => !services.pcTroubles.includes(text)),
        ),
        ...bootFindings(services.pcTroubles),
        ...(igmp === null ? [] : [querierFinding(igmp.querier(), igmp.listenedSeconds())]),
        ...linkFindings(pcs),
        ...lossFindings(lab.sessions.views()),
      ]);
    },
  };
  const ports: GatePorts = { lab, images, links, grants, interfaceAddress: address };
  const names = [address, hostname(), "localhost", gateServername, ...(config.tls?.names ?? [])];
  const forNetwork = application(log, tls.options());
  await networkApplication(forNetwork, api, ports, names);
  const forBoot = await bootApplication(application(log), services.forRoutes);
  await listenAt(forNetwork, { host: address, port: httpsPort }, "--https-port");
  cleanup.defer(() => forNetwork.close());
  await listenAt(forBoot, { host: address, port: httpPort }, "--http-port");
  cleanup.defer(() => forBoot.close());
  // Before the listener: PCs that are slow to say goodbye are not waited for.
  cleanup.defer(() => links.close());
  cleanup.defer(() => lab.close());

  const local = await localApplication(application(log), api);
  await local.listen({ path: socketPath });
  cleanup.defer(() => local.close());
  isReachable.resolve();
  // Before the socket: what it does by that is not to fail.
  cleanup.defer(() => lab.fits.close());

  log.info({ listeners }, "ready");
  options.ready({ url, gateUrl, pin: keys.current.pin });
  const end = AbortSignal.any([options.signal, lastResort.signal]);
  await new Promise<void>((resolve) => {
    if (end.aborted) resolve();
    end.addEventListener("abort", () => resolve(), { once: true });
  });
  log.info("ending");
  if (!lastResort.signal.aborted) return;
  throw new RoomcastError(
    "failed",
    "the server ended because of an error that nobody foresaw",
    "its log has the cause; start it again",
  );
}

const fitStarter =
  (own: { dataFolder: string; reachable: Promise<void>; log: Log }): StartFit =>
  (order, events) => {
    const { dataFolder, reachable, log } = own;
    const say = (text: string): void => log.info({ ...order }, text);
    return startFitProgram({ dataFolder, reachable, ...order, ...events, log: say });
  };

/** Null without the privilege, which only a server that boots nobody can do without. */
function igmpListener(interfaceName: string, log: Log): IgmpListener | null {
  try {
    return openIgmpListener(interfaceName);
  } catch (error) {
    log.warn({ err: error }, "no IGMP querier can be seen");
    return null;
  }
}

const rangeOf = ({ range }: ServeOptions): { range?: string } => (range === null ? {} : { range });

function trustView(
  gate: string,
  own: { readonly keys: GateKeys; readonly signing: SigningKeys },
  lab: Lab,
): TrustView {
  const { current, next } = own.keys;
  const of = ({ pin, since }: GateKey) => ({ key: pin, since });
  const named = (isWanted: (isConnected: boolean) => boolean): string[] =>
    lab.inventory
      .pcs()
      .filter(({ id }) => isWanted(lab.agents.isConnected(id)))
      .map(({ name }) => name);
  return {
    ...{ gate, ...of(current), next: next === null ? null : of(next) },
    signing: own.signing.view,
    ...{ told: named((isConnected) => isConnected), away: named((isConnected) => !isConnected) },
  };
}

async function counts(lab: Lab, images: ImageStore) {
  const pcs = lab.inventory.pcs();
  return {
    rooms: lab.inventory.rooms().length,
    pcs: pcs.length,
    online: pcs.filter(({ id }) => lab.agents.isConnected(id)).length,
    sessions: lab.sessions.activeCount,
    images: images.list().length,
    ...(await images.usage()),
  };
}

/** `option` is how another port is chosen. */
async function listenAt(
  app: FastifyInstance,
  where: { readonly host: string; readonly port: number },
  option: string,
): Promise<void> {
  try {
    await app.listen(where);
  } catch (cause) {
    const what = `cannot listen on port ${where.port} of ${where.host}: ${errorText(cause)}`;
    const next = `end the program that has it (\`ss -lpn\`), or choose another with ${option}`;
    throw new RoomcastError("failed", what, next, { cause });
  }
}

const labNetwork = (address: string, netmask: string, { dhcp = {} }: Config): LabNetwork => ({
  ...{ address, netmask, gateway: dhcp.router ?? null, dns: dhcp.dns ?? [] },
  fixed: new Map(
    Object.entries(dhcp.static ?? {}).map(([mac, fixed]) => [parseMac(mac) ?? mac, fixed]),
  ),
});

/** The interface's IPv4 address; throws `refused` when there is none to serve from. */
function ownAddress(interfaceName: string): NetworkInterfaceInfo {
  const found = networkInterfaces()[interfaceName]?.find(({ family }) => family === "IPv4");
  if (found !== undefined) return found;
  throw new RoomcastError(
    "refused",
    `interface ${interfaceName} has no IPv4 address, or does not exist`,
    `see \`ip addr\`; for a lab network of its own: ip addr add 10.77.0.1/24 dev ${interfaceName}`,
  );
}

/** The link's speed in bits a second as the kernel tells it, or null (no link, or a virtual one). */
async function linkBpsOf(interfaceName: string): Promise<number | null> {
  const text = await readFile(`/sys/class/net/${interfaceName}/speed`, "utf8").catch(() => "");
  const mbps = Number(text);
  return Number.isFinite(mbps) && mbps > 0 ? mbps * 1e6 : null;
}

/** Removes the socket of a server that is gone; refuses when one is alive on this data folder. */
async function claimSocket(path: string): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (isAlive) {
    throw new RoomcastError(
      "conflict",
      `a roomcast server is running on this data folder already (${path} answers)`,
      "use that one, end it, or name another data folder with --data",
    );
  }
  await rm(path, { force: true });
}
