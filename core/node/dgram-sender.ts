import { createSocket } from "node:dgram";
import { once } from "node:events";
import { packetMemory } from "../cast/word-sum.ts";
import { dgramFailure } from "./dgram-failure.ts";
import type { PacketSender, PacketSenderOptions } from "./packet-sockets.ts";

/** A cast stays in its broadcast domain. */
const multicastTtl = 1;
/** Packets that the socket may hold; more are not taken. */
const outstandingLimit = 256;

/** Sends to a group by Node's own sockets, a packet a call. */
export async function openDgramSender(options: PacketSenderOptions): Promise<PacketSender> {
  const { batchPackets, packetLimit, group, port, interfaceAddress } = options;
  const socket = createSocket("udp4");
  const batch = packetMemory(batchPackets * packetLimit);
  let outstanding = 0;
  try {
    socket.bind(0, interfaceAddress);
    await once(socket, "listening");
    socket.setMulticastInterface(interfaceAddress);
    socket.setMulticastTTL(multicastTtl);
    socket.setMulticastLoopback(true);
    socket.connect(port, group);
    await once(socket, "connect");
  } catch (error) {
    socket.close();
    throw dgramFailure(`send by ${interfaceAddress}`, error);
  }
  // The link went away for a moment: what is lost is repaired.
  socket.on("error", () => {});
  const noteSent = (): void => void outstanding--;
  return {
    batch,
    send(first, count, packetBytes) {
      const taken = Math.min(count, outstandingLimit - outstanding);
      for (let index = first; index < first + taken; index++) {
        outstanding++;
        socket.send(batch.slice(index * packetBytes, (index + 1) * packetBytes), noteSent);
      }
      return taken;
    },
    waitForRoom: () => false,
    close: () => void socket.close(),
  };
}
