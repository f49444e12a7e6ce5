import type { CastSocketOptions } from "../cast/ends.ts";
import { packetMemory } from "../cast/word-sum.ts";
import type { PacketReceiver } from "./packet-sockets.ts";
import {
  bindTo,
  closeDescriptor,
  errno,
  failure,
  hasCome,
  int32,
  lastErrno,
  level,
  openDatagramSocket,
  option,
  pollList,
  quad,
  readiness,
  receiveMessages,
  setOption,
  trySetOption,
  waitFor,
} from "./udp-calls.ts";
import { Messages } from "./udp-messages.ts";

/** Rides out a pause of 25 ms at 10 Gbit/s, or of a quarter second at 1. */
const receiveBufferBytes = 32 << 20;
/** Datagrams taken in one call, each with room for one that the kernel has put together of many. */
const messageCount = 64;
const messageBytes = 65536;
/** Two control messages: the length of the parts, and the count of drops. */
const controlBytes = 64;

export interface UdpReceiverOptions extends CastSocketOptions {
  /** Becomes readable to end a wait. */
  readonly wakeDescriptor: number;
}

/** Hears a group on one interface: many packets a call, put together where the kernel can. */
export class UdpReceiver implements PacketReceiver {
  /** Packets that this socket's buffer had no room for, in all, as of the last that came (SO_RXQ_OVFL). */
  dropped = 0;
  /** The kernel's count, of which many packets put together are one; and how many they are of late. */
  private dropCount = 0;
  private packetsPerMessage = 1;
  private readonly fd: number;
  private readonly messages: Messages;
  private readonly descriptors: Buffer;

  constructor({ group, port, interfaceAddress, wakeDescriptor }: UdpReceiverOptions) {
    this.messages = new Messages(
      packetMemory(messageCount * messageBytes),
      messageCount,
      controlBytes,
    );
    for (let index = 0; index < messageCount; index++)
      this.messages.point(index, index * messageBytes, messageBytes);
    this.fd = openDatagramSocket();
    try {
      const { fd } = this;
      // Two agents on one host hear the same group on the same port.
      setOption(fd, [level.socket, option.reuseAddress], int32(1), "share the port");
      if (!trySetOption(fd, [level.socket, option.receiveBufferForce], int32(receiveBufferBytes)))
        trySetOption(fd, [level.socket, option.receiveBuffer], int32(receiveBufferBytes));
      trySetOption(fd, [level.socket, option.countDrops], int32(1));
      trySetOption(fd, [level.udp, option.coalesce], int32(1));
      trySetOption(fd, [level.ip, option.multicastAll], int32(0));
      // To the group's own address: what is sent to this host alone does not get here.
      bindTo(fd, group, port);
      const membership = Buffer.from([...quad(group), ...quad(interfaceAddress)]);
      const what = `join ${group} on ${interfaceAddress}`;
      setOption(fd, [level.ip, option.addMembership], membership, what);
    } catch (error) {
      this.close();
      throw error;
    }
    const events = readiness.readable;
    this.descriptors = pollList({ fd: this.fd, events }, { fd: wakeDescriptor, events });
  }

  wait(timeoutMs: number): boolean {
    waitFor(this.descriptors, timeoutMs);
    return hasCome(this.descriptors, 1);
  }

  receive(packet: (bytes: Uint8Array, offset: number, length: number) => void): boolean {
    const { messages } = this;
    const count = receiveMessages(this.fd, messages.headers, messageCount);
    if (count < 0) {
      const code = lastErrno();
      if (code === errno.EAGAIN || code === errno.EINTR) return false;
      // The interface went away; it may come back, and the control connection tells if not.
      if (code === errno.ENETDOWN) return false;
      throw failure("receive");
    }
    for (let index = 0; index < count; index++) {
      const start = index * messageBytes;
      const end = start + messages.lengthOf(index);
      // A datagram may be empty.
      const step = this.readControl(index) || Math.max(1, end - start);
      this.packetsPerMessage += (Math.ceil((end - start) / step) - this.packetsPerMessage) / 16;
      for (let at = start; at < end; at += step)
        packet(messages.data, at, Math.min(step, end - at));
    }
    messages.resetControl(count);
    return count === messageCount;
  }

  close(): void {
    closeDescriptor(this.fd);
  }

  private noteDrops(count: number): void {
    if (count === this.dropCount) return;
    this.dropped += Math.round(((count - this.dropCount) >>> 0) * this.packetsPerMessage);
    this.dropCount = count;
  }

  /** Notes the count of drops; answers the length of the parts, or 0 when the message is one packet. */
  private readControl(index: number): number {
    const { controlWords: words } = this.messages;
    let part = 0;
    let at = index * controlBytes;
    const end = at + Math.min(controlBytes, this.messages.controlLengthOf(index));
    // struct cmsghdr: u64 length, i32 level, i32 type, then the value; aligned to 8.
    while (at + 20 <= end) {
      const word = at >> 2;
      const length = words[word] as number;
      if (length < 20) break;
      const levelOf = words[word + 2];
      const name = words[word + 3];
      const value = words[word + 4] as number;
      if (levelOf === level.udp && name === option.coalesce) part = value;
      else if (levelOf === level.socket && name === option.countDrops) this.noteDrops(value);
      at += (length + 7) & ~7;
    }
    return part;
  }
}
