import { readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { assert, RoomcastError } from "../core/errors.ts";
import { withForms } from "../core/image/forms.ts";
import { startCastReceiver } from "../core/node/cast/receiver.ts";
import { sendersAhead } from "../core/node/cast/sender.ts";
import { systemClock } from "../core/node/clock.ts";
import { gateServername } from "../core/node/pin.ts";
import { version } from "../core/node/version.ts";
import { LiveEvents } from "./api/live-events.ts";
import { Logins } from "./api/logins.ts";
import { Oidc } from "./api/oidc.ts";
import { Operators } from "./api/operators.ts";
import type { ApiPorts } from "./api/routes.ts";
import { application, localApplication, orderedApplication } from "./applications.ts";
import { finishRestore } from "./backup/finish.ts";
import type { OpenCampus } from "./campus/open-campus.ts";
import { claimSocket } from "./claim-socket.ts";
import { compileAhead } from "./compiled-schemas.ts";
import { builtBootFolder } from "./doctor/examine.ts";
import { isQueried } from "./doctor/room-checks.ts";
import { examineServer } from "./examine-server.ts";
import { Grants } from "./gate/grants.ts";
import { GateKeys } from "./gate/keys.ts";
import { AgentLinks } from "./gate/link.ts";
import { builtPageFolder } from "./gate/page-routes.ts";
import { SigningKeys } from "./gate/signing-keys.ts";
import { readSiteCertificate } from "./gate/site-certificate.ts";
import { Tls } from "./gate/tls.ts";
import { ArpHearing } from "./host/arp-hearing.ts";
import { openArpListener } from "./host/arp-listener.ts";
import { sendCheckBurst } from "./host/check-sender.ts";
import {
  type Config,
  campusOf,
  optimiseAtOf,
  rateLimitOf,
  usualHistoryDays,
} from "./host/config.ts";
import { openDataFolder } from "./host/data-folder.ts";
import { startFitProgram } from "./host/fit-program.ts";
import { openLastResort } from "./host/last-resort.ts";
import { type Log, openLog } from "./host/log.ts";
import { plannedNetworks, type ServeWords } from "./host/network-plans.ts";
import { askSsh } from "./host/ssh-banner.ts";
import { cableOf } from "./host/vlan.ts";
import { sendMagicPacketsOn } from "./host/wake.ts";
import { networkWith } from "./lab/addresses.ts";
import type { StartFit } from "./lab/fits.ts";
import { Lab } from "./lab/lab.ts";
import { allOwn } from "./lab/room-owners.ts";
import { lately } from "./lately.ts";
import { type NetworkPorts, serveNetwork } from "./network.ts";
import { Networks } from "./networks.ts";
import { keptHere } from "./state/kept-records.ts";
import { openStateStore } from "./state/state-store.ts";
import { castSourceModule } from "./store/folder-store.ts";
import type { ImageStore } from "./store/image-store.ts";
import { openImageStore } from "./store/open-image-store.ts";
import { nodePorts } from "./store/store-ports.ts";
import { tellCampus, tellHistory } from "./tell-campus.ts";
import { trustPorts } from "./trust.ts";

/** A disk to which rooms are captured answers later than that; the status is not held up by it. */
const usagePatienceMs = 20;
/** After so long, PCs that waited for the server have been welcomed. */
const compileAfterMs = 2000;

export interface ServeOptions extends ServeWords {
  readonly dataFolder: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly config: Config;
  readonly signal: AbortSignal;
  /** What comes now may take long; it is over when what this answers is disposed of. */
  takesLong(status: string): Disposable;
  /** Every listener is up; `pin` is the gate's key. */
  ready(up: { readonly url: string; readonly gateUrl: string; readonly pin: string }): void;
}

/**
 * Runs the lab server until `signal`; then puts everything to rest so that it can go on later. Does the
 * same after an error outside of any handler, and rejects with `failed` then.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { dataFolder, httpPort, httpsPort, config } = options;
  const log = openLog(process.stderr.isTTY === true);
  using lastResort = openLastResort(log);
  const networks = new Networks(plannedNetworks(options, config), config);
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
  let notWritten = (_reason: string | null): void => {};
  const state = openStateStore(dataFolder, (reason) => {
    if (reason === null) log.info("what happens is written down again");
    else log.error({ reason }, "what happens cannot be written down");
    notWritten(reason);
  });
  cleanup.defer(() => state.close());
  const storeFolder = join(dataFolder, "store");
  const opened = await openImages(storeFolder, options, log);
  if (opened === null) return;
  const { images, campus } = opened;
  cleanup.use(images);
  for (const text of [...images.problems, ...images.warnings]) log.warn({ storeFolder }, text);

  const historyDays = config.history?.keepDays ?? usualHistoryDays;
  const links = new AgentLinks(log, () => keys.pins);
  const grants = new Grants();
  const arp = new ArpHearing({
    open: (interfaceName, heard) =>
      openArpListener({ interfaceName, heard, onError: (err) => log.warn({ err }, "ARP") }),
    log: (fields, text) => log.info(fields, text),
  });
  const isReachable = Promise.withResolvers<void>();
  const startSender = sendersAhead([castSourceModule]);
  const lab = new Lab({
    ...{ state, images, dataFolder, owners: campus?.rooms ?? allOwn },
    keepSshKeys: campus?.shared.keepSshKeys ?? keptHere,
    clock: systemClock,
    version,
    language: config.server?.language ?? "en",
    historyDays,
    agents: links,
    networks: () => networks.known(),
    openSender: async ({ address: cast, imageId, room, network }, stats) => {
      const index = await formedIndex(images, imageId);
      return startSender(
        {
          ...cast,
          interfaceAddress: networks.at(network).address,
          ...{ index, source: images.castSource(imageId, index) },
          rateLimitBps: least(rateLimitOf(config, room), networks.at(network).rateBps),
          linkBps: await linkBpsOf(network),
        },
        { stats },
      );
    },
    startReceiver: (network, receiver, events) =>
      startCastReceiver({ ...receiver, interfaceAddress: networks.at(network).address }, events),
    seal: (grant) => grants.seal(grant),
    rateLimitBps: (room, network) => least(rateLimitOf(config, room), networks.at(network).rateBps),
    senses: {
      hearArp: (heard) => arp.hear(heard),
      async askSsh(at) {
        const network = networkWith(networks.known(), at);
        return network === undefined ? null : askSsh(network.name, at);
      },
    },
    checkWire: {
      async limitBps(network, room) {
        const limit = least(rateLimitOf(config, room), networks.at(network).rateBps);
        return least(limit, await linkBpsOf(network));
      },
      hasQuerier(network) {
        const igmp = networks.igmpOf(network);
        return igmp === null ? null : isQueried(igmp.querier(), igmp.listenedSeconds());
      },
      cableOf,
      burst: (network, burst) =>
        sendCheckBurst({ ...burst, address: networks.at(network).address }),
    },
    optimiseAt: optimiseAtOf(config),
    startFit: fitStarter({ dataFolder, reachable: isReachable.promise, log }),
    // On which network a PC is that is off, its switch knows best.
    wake: (macs) =>
      sendMagicPacketsOn(networks.names, macs, (err) => log.warn({ err }, "wake-on-LAN")),
    log: (fields, text) => log.info(fields, text),
  });
  notWritten = (reason) => lab.announcer.notWritten(reason);
  // A start that fails later leaves nothing that keeps the process; done twice, it does nothing more.
  cleanup.defer(() => lab.close());

  const usage = lately(() => images.usage(), usagePatienceMs);
  const bootFolder = config.boot?.folder ?? builtBootFolder;
  const operators = new Operators(state, systemClock, campus?.shared.keepOperators);
  const logins = new Logins(state, systemClock, operators);
  const api: ApiPorts = {
    lab,
    images,
    state,
    operators,
    logins,
    live: new LiveEvents(lab.announcer.feed),
    ...{ campus, storage: campus?.traffic ?? null, history: campus?.history ?? null },
    oidc: config.oidc === undefined ? null : await Oidc.open(config.oidc, systemClock),
    trust: trustPorts({
      ...{ keys, signing, lab, links, networks },
      shared: campus?.shared ?? null,
    }),
    status: async () => ({
      ...(await counts(lab, images, usage)),
      ...{ version, startedAt, url: networks.home.url },
      listeners: [...networks.served.flatMap(({ listeners }) => listeners), socketPath],
      networks: networks.status(),
      campus: campus?.rooms.status() ?? null,
      warnings: [
        ...[...images.problems, ...images.warnings],
        ...[...(campus?.rooms.warnings ?? []), ...(campus?.orders.warnings ?? [])],
        ...[...(campus?.history.warnings ?? []), ...(campus?.shared.warnings ?? [])],
        ...lab.announcer.warnings,
      ],
    }),
    doctor: () =>
      examineServer({
        ...{ lab, networks, dataFolder, bootFolder, httpPort, httpsPort },
        hasOwnImage: config.boot?.secureBootImage === true,
      }),
  };
  await campus?.shared.begin({
    signers: () => [signing.view.key, ...signing.view.earlier],
    heard: (text) => lab.announcer.note({}, text),
  });
  cleanup.defer(() => campus?.shared.close());
  cleanup.use(networks);
  const common: NetworkPorts = {
    ...{ httpPort, httpsPort, config, bootFolder, keys, tls, api, state, arp, log },
    pageFolder: builtPageFolder,
    names: [hostname(), "localhost", gateServername, ...(config.tls?.names ?? [])],
    gate: { lab, images, links, grants },
  };
  await networks.open({
    serve: (plan, at, place) => serveNetwork(plan, at, place, common),
    note: (text) => lab.announcer.note({}, text),
    warn: (texts) => lab.announcer.warn(texts),
    onError: (err) => log.warn({ err }, "the server's interfaces"),
  });
  if (campus !== null) {
    tellCampus(lab, campus.rooms, {
      address: () => networks.home.gateUrl,
      left: (room) => void logins.endWallLink(room),
    });
    cleanup.defer(() => campus.rooms.close());
    const ordered = application(log);
    cleanup.defer(() => ordered.close());
    campus.orders.begin(await orderedApplication(ordered, api));
    cleanup.defer(() => campus.orders.close());
    tellHistory(lab, campus.history, historyDays);
    cleanup.defer(() => campus.history.close());
  }
  // Before the listener: PCs that are slow to say goodbye are not waited for.
  cleanup.defer(() => links.close());
  cleanup.defer(() => lab.close());

  const local = await localApplication(application(log), api);
  await local.listen({ path: socketPath });
  cleanup.defer(() => local.close());
  isReachable.resolve();
  // Before the socket: what it does by that is not to fail.
  cleanup.defer(() => lab.fits.close());

  const { url, gateUrl } = networks.home;
  log.info({ networks: networks.status() }, "ready");
  options.ready({ url, gateUrl, pin: keys.current.pin });
  // It takes longer than those of other calls, and the first room would wait for it.
  const compiling = setTimeout(compileAhead, compileAfterMs, "POST", "/api/v1/sessions");
  cleanup.defer(() => clearTimeout(compiling));
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

interface OpenImages {
  readonly images: ImageStore;
  /** Null: this server stands alone, and nothing of a campus is loaded. */
  readonly campus: OpenCampus | null;
}

/** Null: it was told to end meanwhile. */
async function openImages(
  storeFolder: string,
  { config, signal, takesLong }: ServeOptions,
  log: Log,
): Promise<OpenImages | null> {
  using _ = takesLong("opens the image store");
  try {
    const campus = campusOf(config);
    if (campus === null) {
      // What one campus had says nothing of the next that this server may join: images would count as deleted there.
      await rm(join(storeFolder, "campus.json"), { force: true });
      return { images: await openImageStore(storeFolder, nodePorts(storeFolder), signal), campus };
    }
    const { openCampus } = await import("./campus/open-campus.ts");
    const warn = (fields: Record<string, unknown>, text: string): void => log.warn(fields, text);
    const opened = await openCampus(storeFolder, campus, warn, signal);
    return { images: opened.images, campus: opened };
  } catch (error) {
    if (signal.aborted && error instanceof RoomcastError && error.code === "cancelled") return null;
    throw error;
  }
}

/** The index of a cast, with the forms in which the chunks are stored. */
async function formedIndex(images: ImageStore, imageId: string): Promise<Uint8Array> {
  const formed = withForms(await images.index(imageId), await images.forms(imageId));
  assert(formed.ok, "the forms are the index's own");
  return formed.value;
}

const fitStarter =
  (own: { dataFolder: string; reachable: Promise<void>; log: Log }): StartFit =>
  (order, events) => {
    const { dataFolder, reachable, log } = own;
    const say = (text: string): void => log.info({ ...order }, text);
    return startFitProgram({ dataFolder, reachable, ...order, ...events, log: say });
  };

type Usage = Awaited<ReturnType<ImageStore["usage"]>>;

async function counts(lab: Lab, images: ImageStore, usage: () => Promise<Usage>) {
  const pcs = lab.inventory.pcs();
  return {
    rooms: lab.inventory.rooms().length,
    pcs: pcs.length,
    online: pcs.filter(({ id }) => lab.agents.isConnected(id)).length,
    sessions: lab.sessions.activeCount,
    images: images.list().length,
    ...(await usage()),
  };
}

/** The lower of two limits, either of which may be missing. */
const least = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

/** The link's speed in bits a second as the kernel tells it, or null (no link, or a virtual one). */
async function linkBpsOf(interfaceName: string): Promise<number | null> {
  const text = await readFile(`/sys/class/net/${interfaceName}/speed`, "utf8").catch(() => "");
  const mbps = Number(text);
  return Number.isFinite(mbps) && mbps > 0 ? mbps * 1e6 : null;
}
