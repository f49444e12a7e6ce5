/**
 * Opens the sockets of a cast's workers. Linux's own calls take many packets at once; where their library
 * cannot be loaded, Node's sockets do the same, slower.
 */
import type { CastSocketOptions } from "../../cast/ends.ts";
import type { PacketReceiver, PacketSender, PacketSenderOptions } from "../packet-sockets.ts";

/** The system calls, or null where their library cannot be loaded. */
export const loadCalls = (
  mayUseCalls: boolean,
): Promise<typeof import("../udp-calls.ts") | null> =>
  mayUseCalls ? import("../udp-calls.ts").catch(() => null) : Promise.resolve(null);

/** Rejects with a RoomcastError when no socket can be opened on the interface. */
export async function openPacketSender(options: PacketSenderOptions): Promise<PacketSender> {
  if ((await loadCalls(options.mayUseCalls ?? true)) !== null) {
    const { UdpSender } = await import("../udp-sender.ts");
    return new UdpSender(options);
  }
  const { openDgramSender } = await import("../dgram-sender.ts");
  return openDgramSender(options);
}

/** Loads what a receiver will need of the system's calls, as far as this machine has them. */
export const loadReceiver = (): Promise<void> => loadWith(() => import("../udp-receiver.ts"));

/** The same of a sender. */
export const loadSender = (): Promise<void> => loadWith(() => import("../udp-sender.ts"));

async function loadWith(load: () => Promise<unknown>): Promise<void> {
  if ((await loadCalls(true)) === null) return;
  await Promise.all([load(), import("../aes-calls.ts").catch(() => null)]);
}

/**
 * `wakeDescriptor` becomes readable when the owner has something to say; null: it is Node's sockets
 * that are waited on, and `onWake` gets what ends the wait.
 */
export async function openPacketReceiver(
  options: CastSocketOptions & { readonly wakeDescriptor: number | null },
  onWake: (wake: () => void) => void,
): Promise<PacketReceiver> {
  const { wakeDescriptor } = options;
  if (wakeDescriptor !== null) {
    const { UdpReceiver } = await import("../udp-receiver.ts");
    return new UdpReceiver({ ...options, wakeDescriptor });
  }
  const { openDgramReceiver } = await import("../dgram-receiver.ts");
  const receiver = await openDgramReceiver(options);
  onWake(() => receiver.wake());
  return receiver;
}
