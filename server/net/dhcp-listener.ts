import {
  type DhcpAction,
  type DhcpFact,
  DhcpServer,
  type DhcpServerOptions,
} from "../../core/boot/dhcp-server.ts";
import type { Lease } from "../../core/boot/lease-pool.ts";
import { millis } from "../../core/units/units.ts";
import { decodeDhcp, encodeDhcp } from "../../core/wire/dhcp/packet.ts";
import { openInterfaceSocket } from "./interface-socket.ts";
import { openRouterAdvertiser } from "./router-advertiser.ts";

/** Where leases outlive the process; each call is durable when it returns. */
export interface LeaseStore {
  load(): Lease[];
  save(lease: Lease): void;
  remove(mac: string): void;
}

export interface DhcpListener extends AsyncDisposable {
  /** DHCP messages of clients that were looked at. */
  readonly packetsTaken: number;
  /** Packets that were no DHCP messages. */
  readonly packetsIgnored: number;
}

/** Answers DHCP on one interface and hears no other. `port` is 67 but in tests. */
export async function startDhcpListener(
  options: DhcpServerOptions & {
    readonly interfaceName: string;
    readonly port: number;
    readonly leases: LeaseStore;
    onFact(fact: DhcpFact): void;
    onError(error: Error): void;
  },
): Promise<DhcpListener> {
  const { leases, onFact, onError } = options;
  const machine = new DhcpServer(options, leases.load());
  const socket = await openInterfaceSocket(options.interfaceName, options.port, onError);
  const advertiser = openRouterAdvertiser(options.interfaceName);
  const count = { taken: 0, ignored: 0 };

  /** No packet may end the server, nor a full disk under the leases, nor an address that cannot be reached. */
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const perform = (action: DhcpAction): void => {
    switch (action.type) {
      case "send":
        return socket.send(encodeDhcp(action.packet), action.port, action.address, (error) => {
          if (error !== null) onError(error);
        });
      case "save":
        return leases.save(action.lease);
      case "forget":
        return leases.remove(action.mac);
      case "end-ipv6-wait":
        return advertiser?.advertise(action.mac);
      case "fact":
        return onFact(action.fact);
    }
  };
  socket.on("message", (bytes) =>
    guarded(() => {
      const decoded = decodeDhcp(bytes);
      if (!decoded.ok || decoded.value.op !== 1) {
        count.ignored++;
        return;
      }
      count.taken++;
      for (const action of machine.handle(decoded.value, millis(Date.now()))) {
        guarded(() => perform(action));
      }
    }),
  );
  return {
    get packetsTaken() {
      return count.taken;
    },
    get packetsIgnored() {
      return count.ignored;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        advertiser?.[Symbol.dispose]();
        socket.close(() => resolve());
      }),
  };
}
