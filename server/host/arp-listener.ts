import type { MacAddress } from "../../core/units/mac.ts";
import { decodeArp } from "../../core/wire/arp.ts";
import { noAddress } from "../../core/wire/dhcp/packet.ts";
import { listenForFrames } from "./frame-listener.ts";
import { etherType, openPacketSocket, ownMac } from "./packet-socket.ts";

/** Hears who says on this interface that it has which address. Throws `failed` without the privilege. */
export function openArpListener(options: {
  readonly interfaceName: string;
  heard(mac: MacAddress, address: string): void;
  onError(error: Error): void;
}): Disposable {
  const { interfaceName, heard, onError } = options;
  const own = ownMac(interfaceName);
  const take = (frame: Uint8Array): void => {
    const decoded = decodeArp(frame);
    if (!decoded.ok) return;
    const { mac, address } = decoded.value;
    // RFC 5227: who only asks whether an address is free names none of its own.
    if (mac !== own && address !== noAddress) heard(mac, address);
  };
  return listenForFrames(openPacketSocket(interfaceName, etherType.arp), take, onError);
}
