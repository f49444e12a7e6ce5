import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { CastSocketOptions } from "../cast/ends.ts";
import { dgramFailure } from "./dgram-failure.ts";
import type { PacketReceiver } from "./packet-sockets.ts";

/** What the system grants to an ordinary user is less. */
const receiveBufferBytes = 32 << 20;

/** Hears a group on one interface by Node's own sockets, which do not count what they drop. */
export async function openDgramReceiver(
  options: CastSocketOptions,
): Promise<PacketReceiver & { wake(): void }> {
  const { group, port, interfaceAddress } = options;
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const inbox: Uint8Array[] = [];
  let isWoken = false;
  let end: (() => void) | null = null;
  try {
    // To the group's own address: what is sent to this host alone does not get here.
    socket.bind(port, group);
    await once(socket, "listening");
    socket.addMembership(group, interfaceAddress);
  } catch (error) {
    socket.close();
    throw dgramFailure(`join ${group} on ${interfaceAddress}`, error);
  }
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // The system's own size then.
  }
  socket.on("message", (packet) => {
    inbox.push(packet);
    end?.();
  });
  // The interface went away; the control connection tells if it does not come back.
  socket.on("error", () => {});
  return {
    dropped: 0,
    async wait(timeoutMs) {
      if (inbox.length === 0 && !isWoken) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, timeoutMs);
        end = resolve;
        await promise;
        end = null;
        clearTimeout(timer);
      }
      const result = isWoken;
      isWoken = false;
      return result;
    },
    receive(packet) {
      for (const bytes of inbox.splice(0)) packet(bytes, 0, bytes.length);
      return false;
    },
    wake() {
      isWoken = true;
      end?.();
    },
    close: () => void socket.close(),
  };
}
