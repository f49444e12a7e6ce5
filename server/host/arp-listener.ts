import { guarded } from "../../core/node/guard.ts";
import type { MacAddress } from "../../core/units/mac.ts";
import { decodeArp } from "../../core/wire/arp.ts";
import { noAddress } from "../../core/wire/dhcp/packet.ts";
import { etherType, openPacketSocket, ownMac } from "./packet-socket.ts";

const lookEveryMs = 200;
/** Frames that are taken in one look: a wire that is flooded with ARP does not hold the server up. */
const framesALook = 512;

/** Hears who says on this interface that it has which address. Throws `failed` without the privilege. */
export function openArpListener(options: {
  readonly interfaceName: string;
  heard(mac: MacAddress, address: string): void;
  onError(error: Error): void;
}): Disposable {
  const { interfaceName, heard, onError } = options;
  const own = ownMac(interfaceName);
  const socket = openPacketSocket(interfaceName, etherType.arp);
  const look = (): void => {
    for (let taken = 0; taken < framesALook; taken++) {
      const frame = socket.receive();
      if (frame === undefined) return;
      const decoded = decodeArp(frame);
      if (!decoded.ok) continue;
      const { mac, address } = decoded.value;
      // RFC 5227: who only asks whether an address is free names none of its own.
      if (mac !== own && address !== noAddress) heard(mac, address);
    }
  };
  const timer = setInterval(() => guarded(onError, look), lookEveryMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      socket[Symbol.dispose]();
    },
  };
}
