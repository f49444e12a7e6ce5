import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { RoomcastError } from "../../core/errors.ts";
import { asError } from "../../core/node/guard.ts";

/** Wake-on-LAN goes to the discard port by custom. */
const wakePort = 9;

/**
 * Sends each MAC's magic packet (six 0xff, then the MAC sixteen times) to the interface's broadcast
 * address. Rejects with `failed` when they cannot be sent.
 */
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
  const failed = new Promise<never>((_, reject) => socket.on("error", reject));
  try {
    await Promise.race([sendAll(socket, own.address, broadcast, options.macs), failed]);
  } catch (cause) {
    const what = `no magic packet could be sent on ${options.interfaceName}: ${asError(cause).message}`;
    const next = "check the server's interface (`ip addr`), then try again";
    throw new RoomcastError("failed", what, next, { cause });
  } finally {
    socket.close();
  }
}

/**
 * The same on several interfaces: one by which nothing can be sent keeps no other from it. Rejects with `failed` when
 * nothing could be sent by any.
 */
export async function sendMagicPacketsOn(
  interfaceNames: readonly string[],
  macs: readonly string[],
  warn: (error: unknown) => void,
): Promise<void> {
  const sent = await Promise.allSettled(
    interfaceNames.map((interfaceName) => sendMagicPackets({ interfaceName, macs })),
  );
  const failed = sent.filter((each) => each.status === "rejected");
  if (failed.length > 0 && failed.length === sent.length) throw failed[0]?.reason;
  for (const { reason } of failed) warn(reason);
}

async function sendAll(
  socket: Socket,
  address: string,
  broadcast: string,
  macs: readonly string[],
): Promise<void> {
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  socket.setBroadcast(true);
  for (const mac of macs) {
    const packet = magicPacket(mac);
    await new Promise<void>((resolve, reject) => {
      socket.send(packet, wakePort, broadcast, (error) => (error ? reject(error) : resolve()));
    });
  }
}

export function magicPacket(mac: string): Buffer {
  const address = Buffer.from(mac.replaceAll(":", ""), "hex");
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)]);
}
