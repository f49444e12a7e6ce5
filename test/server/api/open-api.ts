/** The server's applications on a lab of its own, without a network, as their tests call them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, RouteOptions } from "fastify";
import { pino } from "pino";
import type { BootGate, BootPlan } from "../../../core/boot/boot-menu.ts";
import { systemClock } from "../../../core/node/clock.ts";
import type { Clock } from "../../../core/ports.ts";
import type { MacAddress } from "../../../core/units/mac.ts";
import { LiveEvents } from "../../../server/api/live-events.ts";
import { Logins } from "../../../server/api/logins.ts";
import type { Oidc } from "../../../server/api/oidc.ts";
import { Operators } from "../../../server/api/operators.ts";
import type { ApiPorts } from "../../../server/api/routes.ts";
import {
  application,
  bootApplication,
  localApplication,
  networkApplication,
  orderedApplication,
} from "../../../server/applications.ts";
import type { CampusOrders } from "../../../server/campus/campus-orders.ts";
import type { CampusRooms } from "../../../server/campus/campus-rooms.ts";
import { Grants } from "../../../server/gate/grants.ts";
import type { GateKey } from "../../../server/gate/keys.ts";
import { AgentLinks } from "../../../server/gate/link.ts";
import { SigningKeys } from "../../../server/gate/signing-keys.ts";
import { Tls } from "../../../server/gate/tls.ts";
import type { Log } from "../../../server/host/log.ts";
import type { LabNetwork } from "../../../server/lab/addresses.ts";
import type { Agents } from "../../../server/lab/agents.ts";
import { Lab, type LabPorts } from "../../../server/lab/lab.ts";
import { allOwn } from "../../../server/lab/room-owners.ts";
import { keptHere } from "../../../server/state/kept-records.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { bootPlan, testPin } from "../../core/boot/boot-plan.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface TestApi {
  /** The data folder: what listens on `roomcast.sock` in it is found by the command line. */
  readonly folder: string;
  readonly images: ImageStore;
  readonly lab: Lab;
  readonly grants: Grants;
  readonly state: StateStore;
  readonly operators: Operators;
  readonly logins: Logins;
  readonly app: FastifyInstance;
  /** What the HTTP port shows of the network's application; null for the local one. */
  readonly boot: FastifyInstance | null;
  /** Every route that was registered. */
  readonly routes: readonly RouteOptions[];
  call(
    method: Method,
    path: string,
    body?: unknown,
    token?: string,
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  ): Promise<{ status: number; body: any }>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestApiOptions {
  /** The connections that the lab believes in; else those of the gate. */
  readonly agents?: Agents;
  /** Casts an image; else none is cast. */
  readonly openSender?: LabPorts["openSender"];
  /** Hears a live cast; else none is heard. */
  readonly startReceiver?: LabPorts["startReceiver"];
  /** Makes fitted versions for a server on this folder; else none is ever ready. */
  readonly startFit?: (folder: string) => LabPorts["startFit"];
  /** A data folder that is there, and stays; else a new one. */
  readonly folder?: string;
  /** For the network's application. */
  readonly senses?: LabPorts["senses"];
  readonly tls?: GateKey;
  /** Of live events for whoever comes back, in characters; else as many as the server's. */
  readonly keptEvents?: number;
  /** The site's provider of identities; else none. */
  readonly oidc?: Oidc | null;
  /** What the server belongs to; else to none. */
  readonly campus?: { readonly rooms: CampusRooms; readonly orders: CampusOrders } | null;
  /** What it asked of the storage there; else there is none. */
  readonly storage?: ApiPorts["storage"];
  /** The sessions of the others there; else of nobody. */
  readonly history?: ApiPorts["history"];
  /** Of operators and logins. */
  readonly clock?: Clock;
  /** Where the server's log goes; else nowhere. */
  readonly log?: Log;
  /** Before there are routes. */
  prepare?(app: FastifyInstance): void;
}

/** A lab's own network. */
export const testNetwork: LabNetwork = {
  name: "lab0",
  ...{ address: "10.77.0.1", netmask: "255.255.255.0", gateway: "10.77.0.254" },
  ...{ dns: ["10.77.0.2"], fixed: new Map([["52:54:00:00:0f:0f", "10.77.0.15"]]) },
};

/** `trust`: the local socket's application, or the network's with its tokens and the gate. */
export async function openApi(
  trust: "local" | "tokens",
  {
    agents,
    openSender,
    startReceiver,
    startFit,
    folder: given,
    senses,
    tls,
    log = pino({ level: "silent" }),
    clock = systemClock,
    oidc = null,
    keptEvents,
    campus = null,
    storage = null,
    history = null,
    prepare,
  }: TestApiOptions = {},
): Promise<TestApi> {
  const links = new AgentLinks(log, () => [testPin]);
  const grants = new Grants();
  const folder = given ?? (await mkdtemp(join(tmpdir(), "roomcast-api-")));
  const state = openStateStore(folder);
  const images = await openImageStore(join(folder, "store"));
  const lab = new Lab({
    ...{ state, images, dataFolder: folder, owners: campus?.rooms ?? allOwn },
    keepSshKeys: keptHere,
    clock: systemClock,
    version: "test",
    language: "en",
    historyDays: 365,
    optimiseAt: null,
    agents: agents ?? links,
    networks: () => [testNetwork],
    openSender: openSender ?? (() => Promise.reject(new Error("nothing is cast in this test"))),
    startReceiver:
      startReceiver ?? (() => Promise.reject(new Error("nothing is cast in this test"))),
    seal: (grant) => grants.seal(grant),
    rateLimitBps: () => null,
    senses: senses ?? { hearArp: () => ({ [Symbol.dispose]() {} }), askSsh: async () => null },
    checkWire: {
      limitBps: async () => null,
      hasQuerier: () => null,
      cableOf: (network) => network,
      burst: async (_, { rateBps }) => rateBps,
    },
    startFit: startFit?.(folder) ?? (() => ({ stop: async () => {} })),
    wake: async () => {},
    log: (fields, text) => log.info(fields, text),
  });
  const routes: RouteOptions[] = [];
  const newApp = (key: GateKey | null): FastifyInstance => {
    const made = application(log, key === null ? null : new Tls(key, null).options());
    made.addHook("onRoute", (route) => void routes.push(route));
    prepare?.(made);
    return made;
  };
  const app = newApp(tls ?? null);
  const bootApp = trust === "local" ? null : newApp(null);
  const operators = new Operators(state, clock);
  const status = async () => ({
    ...{ version: "test", url: "http://test", startedAt: "t", listeners: [] },
    ...{ rooms: 1, pcs: 0, online: 0, sessions: 0, images: 0, storedBytes: 5, freeBytes: 7 },
    networks: [
      {
        ...{ interface: "lab0", address: "10.77.0.1", trouble: null },
        dhcp: { mode: "off" as const, why: "--dhcp off", otherServers: [] },
      },
    ],
    campus: campus?.rooms.status() ?? null,
    warnings: [],
  });
  const signing = await SigningKeys.open(folder);
  const keys = {
    certificate: (session: string) => signing.sign(lab.certificate(session)),
    view: () => ({
      gate: "https://test",
      key: testPin,
      since: "t",
      next: null,
      signing: { ...signing.view, campus: [] },
      told: [],
      away: [],
    }),
    async rotate() {},
    async finish() {},
  };
  const doctor = async () => ({
    interfaces: ["lab0"],
    isServing: true,
    isWell: true,
    findings: [],
  });
  const logins = new Logins(state, clock, operators);
  const live = new LiveEvents(lab.announcer.feed, keptEvents);
  const ports = {
    ...{
      lab,
      images,
      state,
      operators,
      logins,
      live,
      oidc,
      trust: keys,
      status,
      doctor,
      campus,
      storage,
      history,
    },
  };
  const plan = (mac: MacAddress): BootPlan => bootPlan({ mac });
  const asked = (mac: MacAddress): void => lab.starting.askedForBootFiles(mac);
  if (bootApp === null) await localApplication(app, ports);
  else {
    const gate = (): BootGate => ({ url: "https://test", pins: [testPin] });
    const secureFile = (): undefined => undefined;
    const fetches = (): void => {};
    const boot = { folder, serverUrl: "http://test", gate, plan, asked, fetches, secureFile };
    await bootApplication(bootApp, boot);
    const forGate = { lab, images, links, grants, interfaceAddress: "127.0.0.1" };
    const pageFolder = join(folder, "page");
    const forNetwork = { api: ports, gate: forGate, names: ["localhost"], pageFolder };
    await networkApplication(app, forNetwork);
  }
  const ordered = campus === null ? null : application(log);
  if (campus !== null && ordered !== null)
    campus.orders.begin(await orderedApplication(ordered, ports));
  const close = async (): Promise<void> => {
    await ordered?.close();
    links.close();
    await lab.fits.close();
    await app.close();
    await bootApp?.close();
    await lab.close();
    await images[Symbol.asyncDispose]();
    state.close();
    if (given === undefined) await rm(folder, { recursive: true });
  };
  return {
    ...{ close, [Symbol.asyncDispose]: close },
    ...{ folder, images, lab, grants, state, operators, logins, app },
    ...{ boot: bootApp, routes },
    async call(method, path, body, token) {
      const answer = await app.inject({
        method,
        url: path.startsWith("/metrics") ? path : `/api/v1${path}`,
        ...(body === undefined ? {} : { payload: body as object }),
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      });
      const isJson = /json/.test(String(answer.headers["content-type"]));
      return { status: answer.statusCode, body: isJson ? answer.json() : answer.body };
    },
  };
}
