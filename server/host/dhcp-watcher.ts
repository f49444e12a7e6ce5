import { randomInt } from "node:crypto";
import { broadcastAddress, clientPort, serverPort } from "../../core/boot/dhcp-action.ts";
import { DhcpWatch, type OtherServer, type WatchFact } from "../../core/boot/dhcp-watch.ts";
import { guarded } from "../../core/node/guard.ts";
import { millis } from "../../core/units/units.ts";
import { encodeDhcp, noAddress } from "../../core/wire/dhcp/packet.ts";
import { encodeUdpFrame } from "../../core/wire/udp-frame.ts";
import { dhcpIn } from "./dhcp-frames.ts";
import { etherType, openPacketSocket, ownMac, udpToPort } from "./packet-socket.ts";

/** Some servers ping an address for up to 3 s before they offer it. */
const firstLookMs = 4500;
/** In that time the question is asked more than once, for a packet can get lost. */
const askAgainMs = 1500;
const receiveEveryMs = 200;

export interface DhcpWatcher extends Disposable {
  readonly servers: readonly OtherServer[];
  /** Resolves when a server that gives addresses has answered, or none has for long enough. */
  readonly looked: Promise<void>;
  /** A client of ours has asked another server by name. */
  chosen(address: string): void;
  /** A PC boots: to be looked soon. */
  hurry(): void;
}

/** Looks for other DHCP servers on the interface, and goes on looking. Throws `failed` without the privilege. */
export function startDhcpWatcher(options: {
  readonly interfaceName: string;
  readonly address: string;
  onFact(fact: WatchFact): void;
  /** What goes wrong while it looks, in `onFact` too: it goes on looking. */
  onError(error: Error): void;
}): DhcpWatcher {
  const { interfaceName, address, onFact, onError } = options;
  const now = () => millis(performance.now());
  const watch = new DhcpWatch({ ownAddress: address, ownMac: ownMac(interfaceName) }, now());
  const socket = openPacketSocket(interfaceName, etherType.ipv4, udpToPort(clientPort));

  const ask = (): void => {
    const { packet, facts } = watch.look(randomInt(2 ** 32), now());
    facts.forEach(onFact);
    socket.broadcast(
      encodeUdpFrame({
        source: noAddress,
        sourcePort: clientPort,
        destination: broadcastAddress,
        destinationPort: serverPort,
        payload: encodeDhcp(packet),
      }),
    );
  };
  const receive = (): void => {
    socket.take((frame) => {
      const packet = dhcpIn(frame);
      if (packet !== undefined) watch.heard(packet).forEach(onFact);
    });
  };

  const startedAt = now();
  let asked = 0;
  let settle = (): void => {};
  const looked = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const look = (): void => {
    receive();
    const past = now() - startedAt;
    if (past >= firstLookMs || watch.servers.some((each) => each.givesAddresses)) settle();
    if (now() >= watch.deadline || (past < firstLookMs && past >= asked * askAgainMs)) {
      asked++;
      ask();
    }
  };
  const timer = setInterval(() => guarded(onError, look), receiveEveryMs);
  return {
    get servers() {
      return watch.servers;
    },
    looked,
    hurry: () => watch.hurry(now()),
    chosen: (other) => watch.chosen(other).forEach(onFact),
    [Symbol.dispose]() {
      settle();
      clearInterval(timer);
      socket[Symbol.dispose]();
    },
  };
}
