import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { basename } from "node:path";
import type { Hello } from "../../../core/wire/hello.ts";
import { type Roots, readNumber, target } from "../../../imaging/disk/sysfs.ts";

/** The interface that reaches the server, as far as it is known. */
export interface Uplink {
  readonly name: string | null;
  readonly ip: string | null;
  readonly mac: string | null;
}

/**
 * `wanted`: the interface that was named; else the one whose address the system would send from.
 * With no route there is no uplink, and all is null.
 */
export async function findUplink(server: URL, wanted: string | null): Promise<Uplink> {
  const all = networkInterfaces();
  if (wanted !== null) {
    const address = all[wanted]?.find(({ family }) => family === "IPv4");
    return { name: wanted, ip: address?.address ?? null, mac: address?.mac ?? null };
  }
  const ip = await localAddress(server);
  for (const [name, addresses] of Object.entries(all)) {
    const address = addresses?.find((each) => each.address === ip);
    if (address !== undefined) return { name, ip, mac: address.mac };
  }
  return { name: null, ip, mac: null };
}

/** Connecting a datagram socket sends nothing: it asks the routing table. */
function localAddress(server: URL): Promise<string | null> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    const end = (address: string | null): void => {
      socket.close();
      resolve(address);
    };
    socket.on("error", () => end(null));
    socket.connect(Number(server.port || 80), server.hostname, () => end(socket.address().address));
  });
}

/** Driver and link speed; null where the kernel does not say. */
export function describeNic(name: string | null, roots: Roots): Hello["nic"] {
  if (name === null) return { driver: null, speedMbps: null };
  const folder = `${roots.sys}/class/net/${name}`;
  const driver = target(`${folder}/device/driver`);
  // −1: no link, or a driver that does not know.
  const speed = readNumber(`${folder}/speed`);
  return {
    driver: driver === null ? null : basename(driver),
    speedMbps: speed === null || speed <= 0 ? null : speed,
  };
}

/** Whether it is a wireless interface: the kernel gives those a `phy80211`. */
export const isWireless = (name: string | null, roots: Roots): boolean =>
  name !== null && target(`${roots.sys}/class/net/${name}/phy80211`) !== null;

/** Whether there is a cable with something at its other end; null where the kernel does not say. */
export function hasLink(name: string | null, roots: Roots): boolean | null {
  if (name === null) return null;
  const carrier = readNumber(`${roots.sys}/class/net/${name}/carrier`);
  return carrier === null ? null : carrier === 1;
}
