/**
 * Multicast sockets by system calls: many packets a call out (UDP_SEGMENT, else sendmmsg) and many in
 * (recvmmsg with UDP_GRO). Node's own sockets take one call a packet, which ends near 1 Gbit/s.
 * Layouts are those of Linux on 64-bit little-endian machines.
 */
import koffi from "koffi";
import { RoomcastError } from "../../errors.ts";

const libc = koffi.load("libc.so.6");
const socketCall = libc.func("int socket(int, int, int)");
const closeCall = libc.func("int close(int)");
const bindCall = libc.func("int bind(int, const void *, uint32_t)");
const connectCall = libc.func("int connect(int, const void *, uint32_t)");
const setsockopt = libc.func("int setsockopt(int, int, int, const void *, uint32_t)");
const sendCall = libc.func("int64_t send(int, const void *, size_t, int)");
const sendmmsgCall = libc.func("int sendmmsg(int, void *, uint32_t, int)");
const recvmmsgCall = libc.func("int recvmmsg(int, void *, uint32_t, int, void *)");

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const IPPROTO_IP = 0;
const SOL_SOCKET = 1;
const SOL_UDP = 17;
const SO_REUSEADDR = 2;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_RXQ_OVFL = 40;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
const { EAGAIN, EINTR, EIO, EINVAL, ENOBUFS } = koffi.os.errno as Record<string, number>;

/** A cast stays in its broadcast domain. */
const multicastTtl = 1;
/** Rides out a garbage collection at 10 Gbit/s; only root gets so much. */
const receiveBufferBytes = 32 * 1024 * 1024;
const sendBufferBytes = 4 * 1024 * 1024;
/** A UDP datagram's payload has at most 65507 bytes, and UDP_SEGMENT takes at most 64 segments. */
const superPacketBytes = 65507;
const segmentLimit = 64;

/** struct msghdr is 56 bytes, struct mmsghdr 64; struct iovec 16. */
const mmsghdrBytes = 64;
const iovecBytes = 16;

function sockaddr(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(quad(address), 4);
  return bytes;
}

const quad = (address: string): number[] => address.split(".").map(Number);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function check(result: number | bigint, what: string): void {
  if (Number(result) >= 0) return;
  const errno = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0];
  throw new RoomcastError(
    "failed",
    `multicast socket: ${what} answered ${name ?? errno}`,
    "see that the interface is up and has an IPv4 address (`ip addr`)",
  );
}

export interface SendSocket {
  /**
   * Sends packets of `packetBytes` each that lie one after the other in `bytes[0 … byteCount]`.
   * Answers how many bytes the kernel took; the rest is to be offered again a little later.
   */
  send(bytes: Uint8Array, byteCount: number): number;
  close(): void;
}

/** A socket for packets of one length to one group. */
export function openSendSocket(options: {
  readonly group: string;
  readonly port: number;
  readonly interfaceAddress: string;
  readonly packetBytes: number;
}): SendSocket {
  const { packetBytes } = options;
  const fd: number = socketCall(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  check(fd, "socket");
  const set = (level: number, name: number, value: Buffer): number =>
    setsockopt(fd, level, name, value, value.length);
  // Without the privilege the buffer stays as it is.
  set(SOL_SOCKET, SO_SNDBUFFORCE, int32(sendBufferBytes));
  check(set(IPPROTO_IP, IP_MULTICAST_IF, Buffer.from(quad(options.interfaceAddress))), "interface");
  check(set(IPPROTO_IP, IP_MULTICAST_TTL, int32(multicastTtl)), "TTL");
  check(set(IPPROTO_IP, IP_MULTICAST_LOOP, int32(1)), "loop");
  const target = sockaddr(options.group, options.port);
  check(connectCall(fd, target, target.length), "connect");
  let canSegment = set(SOL_UDP, UDP_SEGMENT, int32(packetBytes)) >= 0;
  const perCall = Math.min(segmentLimit, Math.floor(superPacketBytes / packetBytes));
  let batch: Batch | undefined;

  const sendSegmented = (bytes: Uint8Array, byteCount: number): number => {
    let sent = 0;
    while (sent < byteCount) {
      const part = bytes.subarray(sent, Math.min(byteCount, sent + perCall * packetBytes));
      const result = Number(sendCall(fd, part, part.length, MSG_DONTWAIT));
      if (result < 0) {
        const errno = koffi.errno();
        if (errno === EAGAIN || errno === ENOBUFS || errno === EINTR) return sent;
        // Some network cards answer so: packets go one by one from here on.
        if (errno === EIO || errno === EINVAL) {
          canSegment = false;
          set(SOL_UDP, UDP_SEGMENT, int32(0));
          return sent;
        }
        check(result, "send");
      }
      sent += part.length;
    }
    return sent;
  };

  const sendBatched = (bytes: Uint8Array, byteCount: number): number => {
    batch ??= new Batch(64, packetBytes, 0);
    let sent = 0;
    while (sent < byteCount) {
      const count = Math.min(batch.count, Math.floor((byteCount - sent) / packetBytes));
      batch.buffer.set(bytes.subarray(sent, sent + count * packetBytes));
      const result: number = sendmmsgCall(fd, batch.headers, count, MSG_DONTWAIT);
      if (result < 0) {
        const errno = koffi.errno();
        if (errno === EAGAIN || errno === ENOBUFS || errno === EINTR) return sent;
        check(result, "sendmmsg");
      }
      sent += result * packetBytes;
      if (result < count) return sent;
    }
    return sent;
  };

  return {
    send: (bytes, byteCount) =>
      canSegment ? sendSegmented(bytes, byteCount) : sendBatched(bytes, byteCount),
    close: () => void closeCall(fd),
  };
}

/** Message headers over one buffer, as sendmmsg and recvmmsg take them. Everything they point to is held here. */
class Batch {
  readonly count: number;
  readonly headers: Buffer;
  readonly buffer: Uint8Array;
  readonly control: Buffer;
  private readonly vectors: Buffer;
  private readonly controlBytes: number;

  constructor(count: number, messageBytes: number, controlBytes: number) {
    this.count = count;
    this.controlBytes = controlBytes;
    this.headers = Buffer.alloc(count * mmsghdrBytes);
    this.vectors = Buffer.alloc(count * iovecBytes);
    this.buffer = new Uint8Array(count * messageBytes);
    this.control = Buffer.alloc(Math.max(1, count * controlBytes));
    const [vectors, buffer, control] = [
      koffi.address(this.vectors),
      koffi.address(this.buffer),
      koffi.address(this.control),
    ];
    for (let index = 0; index < count; index++) {
      const header = index * mmsghdrBytes;
      this.vectors.writeBigUInt64LE(buffer + BigInt(index * messageBytes), index * iovecBytes);
      this.vectors.writeBigUInt64LE(BigInt(messageBytes), index * iovecBytes + 8);
      this.headers.writeBigUInt64LE(vectors + BigInt(index * iovecBytes), header + 16);
      this.headers.writeBigUInt64LE(1n, header + 24);
      if (controlBytes === 0) continue;
      this.headers.writeBigUInt64LE(control + BigInt(index * controlBytes), header + 32);
    }
  }

  /** Makes the headers ready to receive again: the kernel has written lengths into them. */
  reset(used: number): void {
    for (let index = 0; index < used; index++) {
      const header = index * mmsghdrBytes;
      this.headers.writeUInt32LE(this.controlBytes, header + 40);
      this.headers.writeUInt32LE(0, header + 44);
    }
  }

  lengthAt(index: number): number {
    return this.headers.readUInt32LE(index * mmsghdrBytes + 56);
  }

  controlLengthAt(index: number): number {
    return this.headers.readUInt32LE(index * mmsghdrBytes + 40);
  }
}

export interface ReceiveSocket {
  /**
   * Waits at most `waitLimitMs` for packets and hands each to `packet` as `bytes[at … at + length]`.
   * Answers whether any came.
   */
  receive(packet: (bytes: Uint8Array, at: number, length: number) => void): boolean;
  /** Packets that the kernel dropped because the buffer was full, in all (SO_RXQ_OVFL). */
  readonly dropped: number;
  close(): void;
}

/** How long `receive` waits, so that its thread gets to other things. */
const waitLimitMs = 8;
const messagesAtOnce = 16;
const messageBytes = 65536;
/** Room for two control messages of 24 bytes: the segments' size, and the count of drops. */
const controlBytes = 64;

export function openReceiveSocket(options: {
  readonly group: string;
  readonly port: number;
  readonly interfaceAddress: string;
}): ReceiveSocket {
  const fd: number = socketCall(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  check(fd, "socket");
  const set = (level: number, name: number, value: Buffer): number =>
    setsockopt(fd, level, name, value, value.length);
  check(set(SOL_SOCKET, SO_REUSEADDR, int32(1)), "SO_REUSEADDR");
  set(SOL_SOCKET, SO_RCVBUFFORCE, int32(receiveBufferBytes));
  set(SOL_SOCKET, SO_RXQ_OVFL, int32(1));
  set(SOL_UDP, UDP_GRO, int32(1));
  set(IPPROTO_IP, IP_MULTICAST_ALL, int32(0));
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(waitLimitMs * 1000), 8);
  check(set(SOL_SOCKET, SO_RCVTIMEO, timeout), "SO_RCVTIMEO");
  // Bound to the group, so that nothing else on this port gets here.
  const own = sockaddr(options.group, options.port);
  check(bindCall(fd, own, own.length), "bind");
  const membership = Buffer.from([...quad(options.group), ...quad(options.interfaceAddress)]);
  check(set(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership), "membership");
  const batch = new Batch(messagesAtOnce, messageBytes, controlBytes);
  batch.reset(messagesAtOnce);
  let dropped = 0;

  return {
    receive(packet) {
      const count: number = recvmmsgCall(fd, batch.headers, messagesAtOnce, MSG_WAITFORONE, null);
      if (count < 0) {
        const errno = koffi.errno();
        if (errno === EAGAIN || errno === EINTR) return false;
        check(count, "recvmmsg");
      }
      for (let index = 0; index < count; index++) {
        const total = batch.lengthAt(index);
        let segment = total;
        readControl(batch, index, (level, type, value) => {
          if (level === SOL_UDP && type === UDP_GRO) segment = value;
          else if (level === SOL_SOCKET && type === SO_RXQ_OVFL) dropped = value;
        });
        const start = index * messageBytes;
        for (let at = 0; at < total; at += segment) {
          packet(batch.buffer, start + at, Math.min(segment, total - at));
        }
      }
      batch.reset(count);
      return count > 0;
    },
    get dropped() {
      return dropped;
    },
    close: () => void closeCall(fd),
  };
}

/** struct cmsghdr: u64 length, i32 level, i32 type, then the data; each aligned to 8 bytes. */
function readControl(
  batch: Batch,
  index: number,
  found: (level: number, type: number, value: number) => void,
): void {
  const start = index * controlBytes;
  const end = start + Math.min(controlBytes, batch.controlLengthAt(index));
  let at = start;
  while (at + 20 <= end) {
    const length = batch.control.readUInt32LE(at);
    if (length < 16) return;
    found(
      batch.control.readInt32LE(at + 8),
      batch.control.readInt32LE(at + 12),
      batch.control.readUInt32LE(at + 16),
    );
    at += (length + 7) & ~7;
  }
}
