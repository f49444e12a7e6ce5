import { packetMemory } from "../cast/word-sum.ts";
import type { PacketSender, PacketSenderOptions } from "./packet-sockets.ts";
import {
  closeDescriptor,
  connectTo,
  errno,
  failure,
  int32,
  lastErrno,
  level,
  openDatagramSocket,
  option,
  pollList,
  quad,
  readiness,
  sendMessage,
  sendMessages,
  setOption,
  trySetOption,
  waitFor,
} from "./udp-calls.ts";
import { Messages } from "./udp-messages.ts";

/** A cast stays in its broadcast domain. */
const multicastTtl = 1;
/**
 * Some 450 packets, or 4 ms of 1 Gbit/s: less than an interface's queue of 1000 packets takes, so that
 * a link slower than the rate is heard of here, and not by what it drops.
 */
const sendBufferBytes = 512 << 10;
/** A control message (struct cmsghdr, 16 bytes) with a u16, aligned to 8. */
const controlBytes = 24;

/** The link is away or full for the moment: the packets are offered again a little later. */
const notNow = new Set([
  errno.EAGAIN,
  errno.ENOBUFS,
  errno.EINTR,
  errno.ENETDOWN,
  errno.ENETUNREACH,
  errno.EHOSTUNREACH,
  errno.ECONNREFUSED,
  errno.EPERM,
]);
/** A kernel or a network card that cannot cut a super-packet into segments. */
const cannotSegment = new Set([
  errno.EIO,
  errno.EINVAL,
  errno.ENOPROTOOPT,
  errno.EOPNOTSUPP,
  errno.EMSGSIZE,
]);

export interface UdpSenderOptions extends PacketSenderOptions {
  /** False: packets go one by one from the start. */
  readonly mayKeepWhole?: boolean;
}

/** Sends packets of equal length to a group: as one super-packet where kernel and card take it. */
export class UdpSender implements PacketSender {
  readonly batch: Uint8Array;
  private readonly fd: number;
  private canSegment: boolean;
  private readonly whole: Messages;
  private readonly single: Messages;
  /** What `single` points to. */
  private pointed = { first: -1, packetBytes: 0 };
  private readonly descriptor: Buffer;

  constructor(options: UdpSenderOptions) {
    const { batchPackets, packetLimit, group, port, interfaceAddress } = options;
    this.canSegment = options.mayKeepWhole ?? true;
    this.batch = packetMemory(batchPackets * packetLimit);
    this.whole = new Messages(this.batch, 1, controlBytes);
    this.single = new Messages(this.batch, batchPackets, 0);
    this.fd = openDatagramSocket();
    try {
      const { fd } = this;
      const address = Buffer.from(quad(interfaceAddress));
      trySetOption(fd, [level.socket, option.sendBufferForce], int32(sendBufferBytes));
      setOption(fd, [level.ip, option.multicastInterface], address, `send by ${interfaceAddress}`);
      setOption(fd, [level.ip, option.multicastTtl], int32(multicastTtl), "set the TTL");
      // An agent on the server itself is a receiver like any other.
      setOption(fd, [level.ip, option.multicastLoop], int32(1), "send to this host too");
      connectTo(fd, group, port);
    } catch (error) {
      this.close();
      throw error;
    }
    this.descriptor = pollList({ fd: this.fd, events: readiness.writable });
    const { control } = this.whole;
    control.writeUInt32LE(18, 0);
    control.writeInt32LE(level.udp, 8);
    control.writeInt32LE(option.segment, 12);
  }

  /** Whether super-packets leave whole. */
  get isSegmenting(): boolean {
    return this.canSegment;
  }

  send(first: number, count: number, packetBytes: number): number {
    if (!this.canSegment || count === 1) return this.sendSingle(first, count, packetBytes);
    const { whole } = this;
    whole.point(0, first * packetBytes, count * packetBytes);
    whole.control.writeUInt16LE(packetBytes, 16);
    if (sendMessage(this.fd, whole.headers) >= 0) return count;
    const code = lastErrno();
    if (notNow.has(code)) return 0;
    if (!cannotSegment.has(code)) throw failure("send");
    this.canSegment = false;
    return this.sendSingle(first, count, packetBytes);
  }

  waitForRoom(timeoutMs: number): boolean {
    waitFor(this.descriptor, timeoutMs);
    return true;
  }

  close(): void {
    closeDescriptor(this.fd);
  }

  private sendSingle(first: number, count: number, packetBytes: number): number {
    const { single, pointed } = this;
    if (pointed.first !== first || pointed.packetBytes !== packetBytes) {
      const room = Math.floor(this.batch.length / packetBytes) - first;
      for (let index = 0; index < Math.min(single.count, room); index++)
        single.point(index, (first + index) * packetBytes, packetBytes);
      this.pointed = { first, packetBytes };
    }
    const sent = sendMessages(this.fd, single.headers, count);
    if (sent >= 0) return sent;
    if (notNow.has(lastErrno())) return 0;
    throw failure("send");
  }
}
