/** Frames of one protocol on one interface, below IP: for what has to be said or heard without an address. */
import { networkInterfaces } from "node:os";
import koffi from "koffi";
import { RoomcastError } from "../../core/errors.ts";
import { type MacAddress, parseMac } from "../../core/units/mac.ts";

const libc = koffi.load("libc.so.6");
const socketCall = libc.func("int socket(int domain, int type, int protocol)");
const bindCall = libc.func("int bind(int fd, const void *address, uint32_t length)");
const closeCall = libc.func("int close(int fd)");
const recvCall = libc.func("int64_t recv(int fd, void *into, size_t length, int flags)");
const sendto = libc.func(
  "int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)",
);
const interfaceIndex = libc.func("unsigned int if_nametoindex(const char *name)");
const program = koffi.struct("sock_fprog", { length: "uint16_t", filter: "const void *" });
const setFilter = libc.func(
  "int setsockopt(int fd, int level, int name, const sock_fprog *value, uint32_t length)",
);

/** `linux/socket.h`, `linux/if_ether.h`, `asm-generic/socket.h`. */
const AF_PACKET = 17;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
export const etherType = { ipv4: 0x0800, arp: 0x0806 } as const;

/** One instruction of a classic BPF program (`linux/filter.h`): code, jump if true, if false, operand. */
export type FilterStep = readonly [code: number, jt: number, jf: number, k: number];

/** Lets pass UDP datagrams to one port that are not fragmented. Offsets from the IP header on. */
export const udpToPort = (port: number): readonly FilterStep[] => [
  [0x30, 0, 0, 9], // ldb [9]: the protocol
  [0x15, 0, 6, 17], // jeq 17: UDP
  [0x28, 0, 0, 6], // ldh [6]: flags and fragment offset
  [0x45, 4, 0, 0x1fff], // jset: a later fragment
  [0xb1, 0, 0, 0], // ldxb 4*([0]&15): the header's length
  [0x48, 0, 0, 2], // ldh [x+2]: the destination port
  [0x15, 0, 1, port], // jeq
  [0x06, 0, 0, 0x40000], // ret: all of it
  [0x06, 0, 0, 0], // ret: nothing
];

/** Where a program reads, instead of the packet, what the kernel knows of it (`linux/filter.h`, SKF_AD_OFF). */
const kernelKnows = { packetKind: 0xfffff004, interfaceIndex: 0xfffff008 } as const;
/** `linux/if_packet.h`: it is for another host. */
const PACKET_OTHERHOST = 3;

/**
 * Lets on what is the interface's own. A socket on eth1 is handed more: what came in by eth1 for its VLAN interface
 * eth1.20 (`__netif_receive_skb_core` hands it to the sockets of both), and what came with the tag of a VLAN that has
 * no interface, as for another host.
 */
const ownFrames = (index: number): readonly FilterStep[] => [
  [0x20, 0, 0, kernelKnows.interfaceIndex],
  [0x15, 1, 0, index], // jeq
  [0x06, 0, 0, 0], // ret: nothing
  [0x20, 0, 0, kernelKnows.packetKind],
  [0x15, 0, 1, PACKET_OTHERHOST], // jeq
  [0x06, 0, 0, 0], // ret: nothing
];
const everything: readonly FilterStep[] = [[0x06, 0, 0, 0x40000]];

/** The interface's own address; throws `failed` when it has none, as a tunnel. */
export function ownMac(interfaceName: string): MacAddress {
  const mac = parseMac(networkInterfaces()[interfaceName]?.[0]?.mac ?? "");
  if (mac !== undefined) return mac;
  throw new RoomcastError(
    "failed",
    `${interfaceName} is not an Ethernet interface with an address`,
    "see `ip link` and `ip addr`",
  );
}

/** Frames that are taken at once, and milliseconds: a wire that is flooded with them does not hold the server up. */
const atOnce = { frames: 512, ms: 20 };

export interface PacketSocket extends Disposable {
  /** To everybody on the wire. */
  broadcast(payload: Uint8Array): void;
  /** Gives on the payloads of the frames that have arrived, of not too many at once. */
  take(each: (payload: Uint8Array) => void): void;
}

/** Hears what comes to this interface, and not to one on top of it. Throws `failed` without the privilege or the interface. */
export function openPacketSocket(
  interfaceName: string,
  type: number,
  filter = everything,
): PacketSocket {
  const index: number = interfaceIndex(interfaceName);
  // Protocol 0: nothing is received before the filter is in place.
  const fd: number = socketCall(AF_PACKET, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  // struct sockaddr_ll: family (2), protocol (2, network order), index (4), hardware (2), kind (1), length (1), MAC (8).
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(type, 2);
  address.writeUInt32LE(index, 4);
  const isOpen =
    index > 0 &&
    fd >= 0 &&
    attach(fd, [...ownFrames(index), ...filter]) &&
    bindCall(fd, address, address.length) === 0;
  if (!isOpen) {
    const errno = koffi.errno();
    if (fd >= 0) closeCall(fd);
    throw new RoomcastError(
      "failed",
      `raw frames cannot be sent on ${interfaceName} (errno ${errno})`,
      "run it as root, and check that the interface exists (`ip link`)",
    );
  }
  const to = Buffer.from(address);
  to.writeUInt8(6, 11);
  to.fill(0xff, 12, 18);
  const buffer = Buffer.alloc(2048);
  return {
    broadcast: (payload) => void sendto(fd, payload, payload.length, 0, to, to.length),
    take: (each) =>
      takeFrames(() => {
        const length = Number(recvCall(fd, buffer, buffer.length, 0));
        return length > 0 ? Uint8Array.from(buffer.subarray(0, length)) : undefined;
      }, each),
    [Symbol.dispose]: () => void closeCall(fd),
  };
}

/** `receive` answers undefined when no more has arrived. */
export function takeFrames(
  receive: () => Uint8Array | undefined,
  each: (payload: Uint8Array) => void,
): void {
  const until = performance.now() + atOnce.ms;
  for (let taken = 0; taken < atOnce.frames; taken++) {
    const payload = receive();
    if (payload === undefined) return;
    each(payload);
    if (performance.now() >= until) return;
  }
}

function attach(fd: number, filter: readonly FilterStep[]): boolean {
  const steps = Buffer.alloc(filter.length * 8);
  for (const [index, [code, jt, jf, k]] of filter.entries()) {
    steps.writeUInt16LE(code, index * 8);
    steps.writeUInt8(jt, index * 8 + 2);
    steps.writeUInt8(jf, index * 8 + 3);
    steps.writeUInt32LE(k, index * 8 + 4);
  }
  const value = { length: filter.length, filter: steps };
  return setFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, value, koffi.sizeof(program)) === 0;
}
