import { type DhcpFact, serverPort } from "../../../core/boot/dhcp-action.ts";
import { DhcpNetworks } from "../../../core/boot/dhcp-networks.ts";
import { DhcpProxy, type DhcpProxyOptions, proxyPort } from "../../../core/boot/dhcp-proxy.ts";
import { DhcpServer, type DhcpServerOptions } from "../../../core/boot/dhcp-server.ts";
import { guarded } from "../../../core/node/guard.ts";
import { subnetOf } from "../../../core/units/ipv4.ts";
import { millis } from "../../../core/units/units.ts";
import type { DhcpPacket } from "../../../core/wire/dhcp/packet.ts";
import { openArpProber } from "../../host/arp-prober.ts";
import { type DhcpSocket, openDhcpSocket } from "../../host/dhcp-socket.ts";
import { isSaid, LeaseAnswers, type LeaseStore, type Said } from "./lease-answers.ts";
import { openRouterAdvertiser, type RouterAdvertiser } from "./router-advertiser.ts";

/** What both ways of answering DHCP have in common. */
export interface DhcpListenerPorts {
  readonly interfaceName: string;
  onFact(fact: DhcpFact): void;
  /** Every message of a client, also those that are for another server. */
  onClient(packet: DhcpPacket): void;
  onError(error: Error): void;
}

export interface DhcpListener extends AsyncDisposable {
  /** DHCP messages of clients that were looked at. */
  readonly packetsTaken: number;
  /** Packets that were no DHCP messages. */
  readonly packetsIgnored: number;
}

/** Gives addresses on one interface and hears no other. */
export async function startDhcpListener(
  options: DhcpServerOptions &
    DhcpListenerPorts & {
      readonly leases: LeaseStore;
      /** The networks that relays bring. */
      readonly relayed: readonly DhcpServerOptions[];
    },
): Promise<DhcpListener> {
  const { interfaceName, leases, onError } = options;
  await using opened = new AsyncDisposableStack();
  const subnetWith = (settings: DhcpServerOptions) => {
    const { relayedSubnet, serverAddress, netmask } = settings;
    const subnet = subnetOf(relayedSubnet ?? serverAddress, netmask);
    return { subnet, machine: new DhcpServer(settings, leases.load(subnet)) };
  };
  const own = subnetWith(options);
  const networks = new DhcpNetworks(own, options.relayed.map(subnetWith));
  const prober = options.probesAddresses ? opened.use(openArpProber(interfaceName)) : undefined;
  const advertiser = use(opened, openRouterAdvertiser(interfaceName));
  const now = () => millis(Date.now());

  const answers = new LeaseAnswers({
    leases,
    say: (action) => say(action, socket, advertiser, options),
    probe(mac, subnet, asked) {
      // It may have waited for the disk; another probe of the address would be ended by it.
      if (!own.machine.isWaitingFor(asked)) return;
      prober?.probe(asked.address, asked.doubted).then((answered) => {
        guarded(onError, () => {
          answers.take(mac, subnet, own.machine.probed(asked, answered, now()));
        });
      }, onError);
    },
    onError,
  });
  const socket: DhcpSocket = opened.use(
    await openDhcpSocket({
      interfaceName,
      port: serverPort,
      take(packet) {
        guarded(onError, () => options.onClient(packet));
        if (answers.isFull) return;
        const { subnet, actions } = networks.handle(packet, now());
        answers.take(packet.mac, subnet, actions);
      },
      onError,
    }),
  );
  return listener([socket], opened.move());
}

/** Tells PCs that boot from the network what to load, beside the server that gives them addresses. */
export async function startDhcpProxy(
  options: DhcpProxyOptions & DhcpListenerPorts,
): Promise<DhcpListener> {
  const { interfaceName, onError } = options;
  await using opened = new AsyncDisposableStack();
  const machine = new DhcpProxy(options);
  const advertiser = use(opened, openRouterAdvertiser(interfaceName));
  const open = async (port: typeof serverPort | typeof proxyPort): Promise<DhcpSocket> => {
    const socket: DhcpSocket = opened.use(
      await openDhcpSocket({
        interfaceName,
        port,
        take(packet, source) {
          guarded(onError, () => options.onClient(packet));
          for (const action of machine.handle(packet, port, source))
            if (isSaid(action)) guarded(onError, () => say(action, socket, advertiser, options));
        },
        onError,
      }),
    );
    return socket;
  };
  const sockets = [await open(serverPort), await open(proxyPort)];
  return listener(sockets, opened.move());
}

function say(
  action: Said,
  socket: DhcpSocket,
  advertiser: RouterAdvertiser | undefined,
  { onFact }: DhcpListenerPorts,
): void {
  if (action.type === "send") socket.send(action.packet, action);
  if (action.type === "end-ipv6-wait") advertiser?.advertise(action.mac);
  if (action.type === "fact") onFact(action.fact);
}

const use = <T extends Disposable>(
  opened: AsyncDisposableStack,
  value: T | undefined,
): T | undefined => (value === undefined ? undefined : opened.use(value));

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

const listener = (sockets: readonly DhcpSocket[], opened: AsyncDisposableStack): DhcpListener => ({
  get packetsTaken() {
    return sum(sockets.map(({ packetsTaken }) => packetsTaken));
  },
  get packetsIgnored() {
    return sum(sockets.map(({ packetsIgnored }) => packetsIgnored));
  },
  [Symbol.asyncDispose]: () => opened.disposeAsync(),
});
