/** What a cast's workers need of a socket, whoever makes the system's calls. */
import type { CastSocketOptions } from "../cast/ends.ts";

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
