import { createSocket, type Socket } from "node:dgram";
import koffi from "koffi";
import { RoomcastError } from "../../core/errors.ts";
import { portOwners } from "./port-owner.ts";

const libc = koffi.load("libc.so.6");
const socketCall = libc.func("int socket(int domain, int type, int protocol)");
const setsockopt = libc.func(
  "int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);
const bindCall = libc.func("int bind(int fd, const void *address, uint32_t length)");
const closeCall = libc.func("int close(int fd)");

/** `linux/socket.h` and `asm-generic/socket.h`. */
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BROADCAST = 6;
const SO_BINDTODEVICE = 25;
const SO_RCVBUFFORCE = 33;
/** A room of 200 that is switched on at once: some 1.3 KiB of buffer a packet, while a lease is stored. */
const receiveBufferBytes = 1 << 20;

/**
 * A UDP socket that hears and speaks on one interface only, broadcasts too: Node has no option for
 * that. `onError` hears what goes wrong once it is open. Rejects when the port is taken or the
 * privilege is lacking, naming both.
 */
export async function openInterfaceSocket(
  interfaceName: string,
  port: number,
  onError: (error: Error) => void,
): Promise<Socket> {
  const fd: number = socketCall(AF_INET, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  const check = (result: number, what: string): void => {
    if (result >= 0) return;
    const errno = koffi.errno();
    if (fd >= 0) closeCall(fd);
    const name = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? errno;
    const [owner = null] = name === "EADDRINUSE" ? portOwners("udp", port) : [];
    throw new RoomcastError(
      "failed",
      owner === null
        ? `UDP port ${port} on ${interfaceName}: ${what} answered ${name}`
        : `UDP port ${port} is in use by ${owner.name} (process ${owner.pid})`,
      owner === null
        ? "run as root, see that the interface exists (`ip addr`), and end what has the port (`ss -lunp`)"
        : `end it (systemctl stop ${owner.name}, or kill ${owner.pid})`,
    );
  };
  check(fd, "socket");
  const one = Buffer.from(Int32Array.of(1).buffer);
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, 4), "SO_REUSEADDR");
  check(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, one, 4), "SO_BROADCAST");
  // Without the privilege the usual buffer has to do: clients ask again.
  const room = Buffer.from(Int32Array.of(receiveBufferBytes).buffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, room, 4);
  const name = Buffer.from(`${interfaceName}\0`);
  check(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length), "SO_BINDTODEVICE");
  // struct sockaddr_in: family (host order), port (network order), address 0.0.0.0, padding.
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  check(bindCall(fd, address, address.length), "bind");
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.on("error", (error) => {
      reject(error);
      onError(error);
    });
    socket.bind({ fd }, resolve);
  });
  return socket;
}
