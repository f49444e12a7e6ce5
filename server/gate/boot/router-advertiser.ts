import koffi from "koffi";
import type { MacAddress } from "../../../core/units/mac.ts";
import { linkLocalOf, nothingAdvertised } from "../../../core/wire/ndp.ts";

const libc = koffi.load("libc.so.6");
const socketCall = libc.func("int socket(int domain, int type, int protocol)");
const setsockopt = libc.func(
  "int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);
const sendto = libc.func(
  "int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)",
);
const closeCall = libc.func("int close(int fd)");
const interfaceIndex = libc.func("unsigned int if_nametoindex(const char *name)");

/** `linux/socket.h`, `linux/in.h`, `linux/in6.h`. */
const AF_INET6 = 10;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
/** RFC 4861 section 6.1.2: an advertisement that came through a router is not taken. */
const hopLimit = 255;

export interface RouterAdvertiser extends Disposable {
  /** Tells one PC, at the address that it makes of its MAC, that there is no IPv6 to wait for. */
  advertise(mac: MacAddress): void;
}

/**
 * iPXE waits some 20 s for an IPv6 router, twice in a boot, before it goes on with the IPv4 address
 * that it has. One packet to it alone ends the wait. Undefined on a host without IPv6, or without the
 * privilege: then it waits.
 */
export function openRouterAdvertiser(interfaceName: string): RouterAdvertiser | undefined {
  const fd: number = socketCall(AF_INET6, SOCK_RAW_CLOEXEC_NONBLOCK, IPPROTO_ICMPV6);
  if (fd < 0) return undefined;
  const hops = Buffer.from(Int32Array.of(hopLimit).buffer);
  setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, 4);
  return {
    advertise(mac) {
      // struct sockaddr_in6: family (2), port (2), flow (4), address (16), scope (4, host order).
      const to = Buffer.alloc(28);
      to.writeUInt16LE(AF_INET6, 0);
      to.set(linkLocalOf(mac), 8);
      to.writeUInt32LE(interfaceIndex(interfaceName), 24);
      // Lost or refused, the PC waits as it would have without.
      sendto(fd, nothingAdvertised, nothingAdvertised.length, 0, to, to.length);
    },
    [Symbol.dispose]: () => void closeCall(fd),
  };
}
