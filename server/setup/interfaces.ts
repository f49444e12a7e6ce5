/** Which interface of this host is the lab's, as far as the host itself can tell. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

export interface HostInterface {
  readonly name: string;
  /** ADDRESS/LEN; null: it has no IPv4 address. */
  readonly cidr: string | null;
  readonly isWireless: boolean;
  /** Packets to the rest of the world leave by it. */
  readonly isDefaultRoute: boolean;
}

const folder = "/sys/class/net";

/** All but the loopback. */
export function hostInterfaces(): HostInterface[] {
  const addresses = networkInterfaces();
  const routes = readFileSync("/proc/net/route", "utf8");
  return readdirSync(folder)
    .filter((name) => name !== "lo" && existsSync(join(folder, name, "address")))
    .sort()
    .map((name) => ({
      name,
      cidr: addresses[name]?.find(({ family }) => family === "IPv4")?.cidr ?? null,
      isWireless: existsSync(join(folder, name, "wireless")),
      // Iface, then the destination: 0.0.0.0.
      isDefaultRoute: routes.split("\n").some((line) => line.startsWith(`${name}\t00000000\t`)),
    }));
}

/**
 * The one to suggest: of those with a wire and an address the only one, or the only one that does not lead to
 * the rest of the world. Null: nobody can tell.
 */
export function suggestedInterface(all: readonly HostInterface[]): HostInterface | null {
  const usable = all.filter(({ cidr, isWireless }) => cidr !== null && !isWireless);
  const inner = usable.filter(({ isDefaultRoute }) => !isDefaultRoute);
  for (const some of [inner, usable]) if (some.length === 1) return some[0] ?? null;
  return null;
}
