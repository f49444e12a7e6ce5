import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";

/** Wake-on-LAN goes to the discard port by custom. */
const wakePort = 9;

/** Sends each MAC's magic packet (six 0xff, then the MAC sixteen times) to the interface's broadcast address. */
export async function sendMagicPackets(options: {
  readonly interfaceName: string;
  readonly macs: readonly string[];
}): Promise<void> {
  const own = networkInterfaces()[options.interfaceName]?.find(({ family }) => family === "IPv4");
  if (own === undefined) return;
  const mask = own.netmask.split(".").map(Number);
  const broadcast = own.address
    .split(".")
    .map((part, index) => Number(part) | (255 & ~(mask[index] ?? 255)))
    .join(".");
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, own.address, resolve));
  socket.setBroadcast(true);
  try {
    for (const mac of options.macs) {
      const packet = magicPacket(mac);
      await new Promise<void>((resolve, reject) => {
        socket.send(packet, wakePort, broadcast, (error) => (error ? reject(error) : resolve()));
      });
    }
  } finally {
    socket.close();
  }
}

export function magicPacket(mac: string): Buffer {
  const address = Buffer.from(mac.replaceAll(":", ""), "hex");
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)]);
}
