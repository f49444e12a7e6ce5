import { guarded } from "../../core/node/guard.ts";
import { type DhcpPacket, decodeDhcp, encodeDhcp } from "../../core/wire/dhcp/packet.ts";
import { openInterfaceSocket } from "./interface-socket.ts";

export interface DhcpSocket extends AsyncDisposable {
  /** DHCP messages of clients that were looked at. */
  readonly packetsTaken: number;
  /** Packets that were no DHCP messages of clients. */
  readonly packetsIgnored: number;
  send(packet: DhcpPacket, to: { readonly address: string; readonly port: number }): void;
}

/**
 * Hears the clients' DHCP messages on one port of one interface, and no other. No packet may end the
 * server: what `take` throws goes to `onError`, as does an address that cannot be reached.
 */
export async function openDhcpSocket(options: {
  readonly interfaceName: string;
  readonly port: number;
  take(packet: DhcpPacket, source: { readonly address: string; readonly port: number }): void;
  onError(error: Error): void;
}): Promise<DhcpSocket> {
  const { onError } = options;
  const socket = await openInterfaceSocket(options.interfaceName, options.port, onError);
  const count = { taken: 0, ignored: 0 };
  socket.on("message", (bytes, source) =>
    guarded(onError, () => {
      const decoded = decodeDhcp(bytes);
      if (!decoded.ok || decoded.value.op !== 1) {
        count.ignored++;
        return;
      }
      count.taken++;
      options.take(decoded.value, source);
    }),
  );
  return {
    get packetsTaken() {
      return count.taken;
    },
    get packetsIgnored() {
      return count.ignored;
    },
    send: (packet, to) =>
      socket.send(encodeDhcp(packet), to.port, to.address, (error) => {
        if (error !== null) onError(error);
      }),
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
