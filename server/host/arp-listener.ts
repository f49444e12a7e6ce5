import { decodeArp } from "../../core/wire/arp.ts";
import { noAddress } from "../../core/wire/dhcp/packet.ts";
import type { HeardArp } from "./arp-hearing.ts";
import { listenForFrames } from "./frame-listener.ts";
import { etherType, openPacketSocket } from "./packet-socket.ts";

/**
 * Hears who says on this interface that it has which address; one that is down is heard as soon as it is up. Throws
 * `failed` without the privilege or the interface.
 */
export function openArpListener(options: {
  readonly interfaceName: string;
  readonly heard: HeardArp;
  onError(error: Error): void;
}): Disposable {
  const { interfaceName, heard, onError } = options;
  const take = (frame: Uint8Array): void => {
    const decoded = decodeArp(frame);
    if (!decoded.ok) return;
    const { mac, address } = decoded.value;
    // RFC 5227: who only asks whether an address is free names none of its own.
    if (address !== noAddress) heard(mac, address);
  };
  return listenForFrames(openPacketSocket(interfaceName, etherType.arp), take, onError);
}
