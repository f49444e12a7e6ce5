/**
 * The system calls under the sockets of the cast and of TFTP, which Node's own sockets lack: many packets a call, out
 * and in. Layouts are those of Linux on 64-bit little-endian machines.
 */
import koffi from "koffi";
import { RoomcastError } from "../errors.ts";

const libc = koffi.load(null);
const socketCall = libc.func("int socket(int domain, int type, int protocol)");
const bindCall = libc.func("int bind(int fd, const void *address, uint32_t length)");
const connectCall = libc.func("int connect(int fd, const void *address, uint32_t length)");
const setsockoptCall = libc.func(
  "int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);
const closeCall = libc.func("int close(int fd)");
const eventfdCall = libc.func("int eventfd(uint32_t initial, int flags)");
const sendmsgCall = libc.func("int64_t sendmsg(int fd, const void *message, int flags)");
const sendmmsgCall = libc.func("int sendmmsg(int fd, void *messages, uint32_t count, int flags)");
const recvmmsgCall = libc.func(
  "int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)",
);
const pollCall = libc.func("int poll(void *descriptors, uint64_t count, int timeoutMs)");

/** Those that the cast has an answer to. */
export const errno = koffi.os.errno as Readonly<
  Record<
    | "EAGAIN"
    | "EINTR"
    | "EIO"
    | "EINVAL"
    | "ENOBUFS"
    | "ENOPROTOOPT"
    | "EOPNOTSUPP"
    | "EMSGSIZE"
    | "ENETDOWN"
    | "ENETUNREACH"
    | "EHOSTUNREACH"
    | "ECONNREFUSED"
    | "EPERM",
    number
  >
>;

/** bits/socket.h, linux/in.h, linux/udp.h */
export const level = { ip: 0, socket: 1, udp: 17 } as const;
export const option = {
  /** SO_REUSEADDR */
  reuseAddress: 2,
  /** SO_SNDBUFFORCE, SO_RCVBUFFORCE: beyond the system's limit, for root. */
  sendBufferForce: 32,
  receiveBufferForce: 33,
  /** SO_RCVBUF */
  receiveBuffer: 8,
  /** SO_RXQ_OVFL */
  countDrops: 40,
  /** IP_MULTICAST_IF, _TTL, _LOOP, IP_ADD_MEMBERSHIP, IP_MULTICAST_ALL */
  multicastInterface: 32,
  multicastTtl: 33,
  multicastLoop: 34,
  addMembership: 35,
  multicastAll: 49,
  /** UDP_SEGMENT, UDP_GRO */
  segment: 103,
  coalesce: 104,
} as const;

const afInet = 2;
/** SOCK_DGRAM | SOCK_CLOEXEC */
const datagramSocket = 2 | 0o2000000;
/** EFD_CLOEXEC | EFD_NONBLOCK */
const eventFlags = 0o2000000 | 0o4000;
/** MSG_DONTWAIT */
const dontWait = 0x40;

export const quad = (address: string): number[] => address.split(".").map(Number);

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** struct sockaddr_in */
function socketAddress(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(afInet, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(quad(address), 4);
  return bytes;
}

/** A UDP socket over IPv4; throws a RoomcastError. */
export function openDatagramSocket(): number {
  const fd: number = socketCall(afInet, datagramSocket, 0);
  if (fd < 0) throw failure("socket");
  return fd;
}

/** Sets a socket option; throws a RoomcastError that names `what`. */
export function setOption(
  fd: number,
  [levelOf, name]: readonly [number, number],
  value: Buffer,
  what: string,
): void {
  if (!trySetOption(fd, [levelOf, name], value)) throw failure(what);
}

/** As `setOption`, for what can be done without. */
export const trySetOption = (
  fd: number,
  [levelOf, name]: readonly [number, number],
  value: Buffer,
): boolean => setsockoptCall(fd, levelOf, name, value, value.length) === 0;

export function bindTo(fd: number, address: string, port: number): void {
  const own = socketAddress(address, port);
  if (bindCall(fd, own, own.length) < 0) throw failure(`bind to ${address}:${port}`);
}

export function connectTo(fd: number, address: string, port: number): void {
  const peer = socketAddress(address, port);
  if (connectCall(fd, peer, peer.length) < 0) throw failure(`connect to ${address}:${port}`);
}

export const closeDescriptor = (fd: number): void => void closeCall(fd);

/** A descriptor that another thread makes readable, by writing to it, to end a wait. */
export function openEvent(): number {
  const fd: number = eventfdCall(0, eventFlags);
  if (fd < 0) throw failure("eventfd");
  return fd;
}

/** Each answers what the call does: a count or length, or −1 with `lastErrno`. None waits. */
export const sendMessage = (fd: number, message: Uint8Array): number =>
  Number(sendmsgCall(fd, message, dontWait));
export const sendMessages = (fd: number, messages: Uint8Array, count: number): number =>
  sendmmsgCall(fd, messages, count, dontWait);
export const receiveMessages = (fd: number, messages: Uint8Array, count: number): number =>
  recvmmsgCall(fd, messages, count, dontWait, null);

/** What to wait for: POLLIN, POLLOUT. */
export const readiness = { readable: 1, writable: 4 } as const;
/** Of struct pollfd: i32 descriptor, i16 what is waited for, i16 what has come. */
const pollBytes = 8;

/** The descriptors, and what each is waited for, for `waitFor`. */
export function pollList(...wanted: readonly { fd: number; events: number }[]): Buffer {
  const list = Buffer.alloc(wanted.length * pollBytes);
  for (const [index, { fd, events }] of wanted.entries()) {
    list.writeInt32LE(fd, index * pollBytes);
    list.writeInt16LE(events, index * pollBytes + 4);
  }
  return list;
}

/** Waits at most `timeoutMs`; a signal may end it earlier. Throws a RoomcastError. */
export function waitFor(list: Buffer, timeoutMs: number): void {
  const count = pollCall(list, list.length / pollBytes, timeoutMs);
  if (count >= 0) return;
  if (lastErrno() !== errno.EINTR) throw failure("poll");
  // The kernel has not said what has come: what stands there is of the wait before.
  for (let at = 6; at < list.length; at += pollBytes) list.writeInt16LE(0, at);
}

/** Whether what was waited for came, in the last wait, for the descriptor at this place of the list. */
export const hasCome = (list: Buffer, index: number): boolean =>
  list.readInt16LE(index * pollBytes + 6) !== 0;

export const lastErrno = (): number => koffi.errno();

/** What the last call's failure is for people. */
export function failure(what: string): RoomcastError {
  const code = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === code)?.[0];
  return new RoomcastError(
    "failed",
    `UDP socket: ${what}: ${name ?? `errno ${code}`}`,
    "check that the interface is up and has its IPv4 address (ip address)",
  );
}
