/** What a Linux system is known by, but for its SSH keys. */
import { assignedText, formerName, hostsText } from "../../../core/personalise/host-names.ts";
import type { LinuxStep, Outcome } from "./step.ts";

/** hostname(5), hosts(5), and where SUSE and Red Hat once had it. `/etc/mailname` is the mail system's. */
export async function giveName({ root, personal }: LinuxStep): Promise<Outcome> {
  const { name, domain } = personal;
  const before = await root.read("/etc/hostname");
  const former = formerName(before);
  const hosts = await root.read("/etc/hosts");
  if (hosts !== null) await root.write("/etc/hosts", hostsText(hosts, { former, name, domain }));
  const network = await root.read("/etc/sysconfig/network");
  if (network !== null) {
    await root.write("/etc/sysconfig/network", assignedText(network, "HOSTNAME", name));
  }
  if (
    (await root.read("/etc/HOSTNAME")) !== null &&
    (await root.kind("/etc/HOSTNAME")) === "file"
  ) {
    await root.write("/etc/HOSTNAME", `${domain === null ? name : `${name}.${domain}`}\n`);
  }
  // Last: once it is there, the former name is forgotten.
  await root.write("/etc/hostname", `${name}\n`);
  return { detail: former === null || former === name ? name : `${name}, which was ${former}` };
}

/** machine-id(5): empty, and not gone, so that it is made anew and nothing takes it for a first start. */
export async function clearIdentity({ root }: LinuxStep): Promise<Outcome> {
  const id = await root.read("/etc/machine-id");
  if (id !== null && id.trim() !== "uninitialized") await root.write("/etc/machine-id", "");
  const bus = "/var/lib/dbus/machine-id";
  const isLinked = (await root.kind("/etc/machine-id")) === "link";
  if (!isLinked && (await root.kind(bus)) === "file") await root.remove(bus);
  return { detail: "made anew at the next start" };
}

/** Of systemd, of its boot loader, of SysV's urandom, of Red Hat's and SUSE's, of BusyBox's seedrng. */
const seeds = [
  "/var/lib/systemd/random-seed",
  "/var/lib/urandom/random-seed",
  "/var/lib/random-seed",
  "/var/lib/misc/random-seed",
  "/var/lib/seedrng/seed.credit",
  "/var/lib/seedrng/seed.no-credit",
  "/boot/efi/loader/random-seed",
  "/boot/loader/random-seed",
  "/efi/loader/random-seed",
];

/** The same in every PC of the room, it would be no seed. */
export async function dropSeeds({ root }: LinuxStep): Promise<Outcome> {
  for (const path of seeds) await root.remove(path);
  return { detail: "none is kept from the master" };
}

/** Folders, and what in them is a lease, an identity of the client's, or a secret that it is made of. */
const leases: readonly (readonly [folder: string, name: RegExp])[] = [
  ["/var/lib/dhcp", /\.leases?$|\.leases\.|^dhclient.*\.pid$|duid/],
  ["/var/lib/dhcp3", /\.leases?$/],
  ["/var/lib/dhclient", /\.leases?$/],
  ["/var/lib/dhcpcd", /\.lease6?$|^duid$|^secret$/],
  ["/var/lib/dhcpcd5", /\.lease6?$|^duid$|^secret$/],
  ["/var/db/dhcpcd", /\.lease6?$|^duid$|^secret$/],
  ["/etc", /^dhcpcd\.(?:duid|secret)$/],
  ["/var/lib/NetworkManager", /\.lease$|^secret_key$|^seen-bssids$|^timestamps$/],
  ["/var/lib/systemd/network", /./],
  ["/var/lib/wicked", /^lease-|^(?:duid|iaid)\.xml$/],
];

export async function dropLeases({ root }: LinuxStep): Promise<Outcome> {
  for (const [folder, pattern] of leases) {
    for (const name of await root.list(folder)) {
      if (pattern.test(name)) await root.remove(`${folder}/${name}`);
    }
  }
  return { detail: "none is kept from the master" };
}
