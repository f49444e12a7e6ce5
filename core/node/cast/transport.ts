/**
 * What a cast's workers need of a socket. Linux's own calls take many packets at once; where their
 * library cannot be loaded, Node's sockets do the same, slower.
 */
import type { CastSocketOptions } from "../../cast/ends.ts";

export interface PacketSender {
  /** The packets to be sent, one after the other. */
  readonly batch: Uint8Array;
  /**
   * Sends `count` packets of `packetBytes` from the batch, of which `first` have gone. Answers how
   * many went: fewer when the link takes no more now. Throws a RoomcastError when the socket is broken.
   */
  send(first: number, count: number, packetBytes: number): number;
  /**
   * Blocks until the link takes more, for at most `timeoutMs`. Answers false where that cannot be
   * waited for like this: try again a little later.
   */
  waitForRoom(timeoutMs: number): boolean;
  close(): void;
}

export interface PacketReceiver {
  /** How many packets this socket's buffer had no room for, as far as it is known. */
  readonly dropped: number;
  /** Waits for packets, for at most `timeoutMs`. True: the owner has something to say. */
  wait(timeoutMs: number): boolean | Promise<boolean>;
  /**
   * Hands over what is here now, packet by packet: `bytes[offset … offset + length]`, valid during the
   * call. Answers whether there may be more.
   */
  receive(packet: (bytes: Uint8Array, offset: number, length: number) => void): boolean;
  close(): void;
}

export interface PacketSenderOptions extends CastSocketOptions {
  /** Packets that go at once, and the longest of them. */
  readonly batchPackets: number;
  readonly packetLimit: number;
}

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
