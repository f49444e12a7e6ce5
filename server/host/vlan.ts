/** VLANs, as the kernel shows them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the kernel shows the host's interfaces. */
const interfaces = "/sys/class/net";

/** The interface whose VLAN this one is; null: it is none's, or of another namespace's. */
export function vlanOf(name: string, kernel = interfaces): string | null {
  const folder = join(kernel, name);
  try {
    if (!/^DEVTYPE=vlan$/m.test(readFileSync(join(folder, "uevent"), "utf8"))) return null;
    const below = readdirSync(folder).find((file) => file.startsWith("lower_"));
    return below?.slice("lower_".length) ?? null;
  } catch {
    return null; // It has gone.
  }
}

/** What carries the frames of an interface: the lowest that it is a VLAN of, or itself. */
export function cableOf(name: string, kernel = interfaces): string {
  const below = vlanOf(name, kernel);
  return below === null ? name : cableOf(below, kernel);
}
