/** DHCP as it goes by on an interface, below the sockets of whoever answers it. */
import { serverPort } from "../../core/boot/dhcp-action.ts";
import { type DhcpPacket, decodeDhcp } from "../../core/wire/dhcp/packet.ts";
import { decodeUdpFrame } from "../../core/wire/udp-frame.ts";
import { listenForFrames } from "./frame-listener.ts";
import { etherType, openPacketSocket, udpToPort } from "./packet-socket.ts";

/** The message in a frame of IPv4; undefined for anything else. */
export function dhcpIn(frame: Uint8Array): DhcpPacket | undefined {
  const datagram = decodeUdpFrame(frame);
  const decoded = datagram.ok ? decodeDhcp(datagram.value.payload) : datagram;
  return decoded.ok ? decoded.value : undefined;
}

/** Hears what is asked of any DHCP server on this wire, and answers none of it. Throws `failed` without the privilege. */
export function openDhcpClientListener(options: {
  readonly interfaceName: string;
  onClient(packet: DhcpPacket): void;
  onError(error: Error): void;
}): Disposable {
  const { interfaceName, onClient, onError } = options;
  const socket = openPacketSocket(interfaceName, etherType.ipv4, udpToPort(serverPort));
  const take = (frame: Uint8Array): void => {
    const packet = dhcpIn(frame);
    if (packet !== undefined) onClient(packet);
  };
  return listenForFrames(socket, take, onError);
}
