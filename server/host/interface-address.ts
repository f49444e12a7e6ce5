import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

export interface InterfaceAddress {
  /** The kernel's number of the interface: another one, where it was taken away and made anew. */
  readonly index: number;
  readonly address: string;
  readonly netmask: string;
}

/** The interface's IPv4 address; null: it has none, is down, has no link, or does not exist. */
export function interfaceAddress(name: string): InterfaceAddress | null {
  const own = networkInterfaces()[name]?.find(({ family }) => family === "IPv4");
  if (own === undefined) return null;
  try {
    const index = Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));
    return { index, address: own.address, netmask: own.netmask };
  } catch {
    return null; // It has gone between the two questions.
  }
}
