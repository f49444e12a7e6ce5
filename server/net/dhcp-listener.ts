import {
  type DhcpFact,
  DhcpServer,
  type DhcpServerOptions,
  type Lease,
} from "../../core/boot/dhcp-server.ts";
import { millis } from "../../core/units/units.ts";
import { decodeDhcp, encodeDhcp } from "../../core/wire/dhcp/packet.ts";
import { openInterfaceSocket } from "./interface-socket.ts";

/** Where leases outlive the process. */
export interface LeaseStore {
  load(): Lease[];
  save(lease: Lease): void;
  remove(mac: string): void;
}

export interface DhcpListener extends AsyncDisposable {
  /** Packets that were no DHCP messages. */
  readonly packetsIgnored: number;
}

/** Answers DHCP on one interface. `port` is 67 but in tests. */
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
  const socket = await openInterfaceSocket(options.interfaceName, options.port);
  let packetsIgnored = 0;
  socket.on("error", onError);
  socket.on("message", (bytes) => {
    const decoded = decodeDhcp(bytes);
    if (!decoded.ok) {
      packetsIgnored++;
      return;
    }
    try {
      for (const action of machine.handle(decoded.value, millis(Date.now()))) {
        if (action.type === "send") {
          socket.send(encodeDhcp(action.packet), action.port, action.address, (error) => {
            if (error !== null) onError(error);
          });
        } else if (action.type === "save") leases.save(action.lease);
        else if (action.type === "forget") leases.remove(action.mac);
        else onFact(action.fact);
      }
    } catch (error) {
      // No packet may end the server; a full disk under the leases must not either.
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return {
    get packetsIgnored() {
      return packetsIgnored;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
