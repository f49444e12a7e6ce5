/** A static address, in the files of the network manager that the system has. */
import type { Decoded } from "../../../core/errors.ts";
import {
  ifupdownNames,
  ifupdownText,
  netplanCount,
  netplanText,
  networkdText,
  networkManagerText,
  resolvText,
  type StaticAddress,
} from "../../../core/personalise/static-address.ts";
import type { Root } from "../root.ts";
import type { LinuxStep, Outcome } from "./step.ts";

/** Files that are roomcast's own, and this PC's from the start. */
export const ownFiles: readonly string[] = [
  "/etc/NetworkManager/system-connections/roomcast.nmconnection",
  // The first file that matches a card counts, in the order of names.
  "/etc/systemd/network/00-roomcast.network",
];
const [connection = "", network = ""] = ownFiles;

export async function giveAddress({ root, personal }: LinuxStep): Promise<Outcome | null> {
  const { address, domain } = personal;
  if (address.kind !== "static") return null;
  const own: StaticAddress = { ...address, domain };
  for (const [name, isUsed, give] of managers) {
    if (!(await isUsed(root))) continue;
    const refusal = await give(root, own);
    const what = `${own.address}/${own.prefix}, by ${name}`;
    if (refusal === null) return { detail: what };
    return { result: "failed", detail: `${what}: not set, ${refusal}` };
  }
  const known = managers.map(([name]) => name).join(", ");
  return { result: "failed", detail: `the system has no network manager that is known: ${known}` };
}

/** Answers null, or why not. */
type Give = (root: Root, own: StaticAddress) => Promise<string | null>;
type Manager = readonly [name: string, isUsed: (root: Root) => Promise<boolean>, give: Give];

const wants = "/etc/systemd/system/multi-user.target.wants";
const isThere =
  (...paths: readonly string[]) =>
  async (root: Root): Promise<boolean> => {
    for (const path of paths) if ((await root.kind(path)) !== null) return true;
    return false;
  };

/** The first that is used. netplan writes for the others; ifupdown is installed where it is not used, too. */
const managers: readonly Manager[] = [
  ["netplan", async (root) => (await netplanFiles(root)).length > 0, giveNetplan],
  ["NetworkManager", isThere(`${wants}/NetworkManager.service`), giveNetworkManager],
  ["systemd-networkd", isThere(`${wants}/systemd-networkd.service`), giveNetworkd],
  ["ifupdown", isThere("/sbin/ifup", "/usr/sbin/ifup"), giveIfupdown],
  ["NetworkManager", isThere("/usr/sbin/NetworkManager"), giveNetworkManager],
];

/** Those that configure wired cards. */
async function netplanFiles(root: Root): Promise<{ path: string; text: string; count: number }[]> {
  const found = [];
  for (const name of await root.list("/etc/netplan")) {
    const path = `/etc/netplan/${name}`;
    const text = name.endsWith(".yaml") ? ((await root.read(path)) ?? "") : "";
    const count = netplanCount(text);
    if (count > 0) found.push({ path, text, count });
  }
  return found;
}

async function giveNetplan(root: Root, own: StaticAddress): Promise<string | null> {
  const files = await netplanFiles(root);
  const [file] = files;
  if (file === undefined || files.length > 1) {
    return `wired cards are configured in several files: ${files.map(({ path }) => path).join(", ")}`;
  }
  const edited: Decoded<string> = netplanText(file.text, own);
  if (!edited.ok) return `${file.path}: ${edited.reason}`;
  await root.write(file.path, edited.value);
  return null;
}

async function giveNetworkManager(root: Root, own: StaticAddress): Promise<string | null> {
  await root.write(connection, networkManagerText(own), { mode: 0o600 });
  return null;
}

async function giveNetworkd(root: Root, own: StaticAddress): Promise<string | null> {
  await root.write(network, networkdText(own));
  return null;
}

async function giveIfupdown(root: Root, own: StaticAddress): Promise<string | null> {
  const paths = ["/etc/network/interfaces"];
  for (const name of await root.list("/etc/network/interfaces.d")) {
    paths.push(`/etc/network/interfaces.d/${name}`);
  }
  const found: { path: string; text: string; name: string }[] = [];
  for (const path of paths) {
    const text = (await root.read(path)) ?? "";
    for (const name of ifupdownNames(text)) found.push({ path, text, name });
  }
  const [only] = found;
  if (only === undefined || found.length > 1) {
    return `${found.length} interfaces are configured, so it is not known which one it is for`;
  }
  await root.write(only.path, ifupdownText(only.text, only.name, own));
  const isWritten = isThere("/sbin/resolvconf", "/usr/sbin/resolvconf");
  const isOurs = !(await isWritten(root)) && (await root.kind("/etc/resolv.conf")) !== "link";
  if (isOurs && own.dns.length > 0) await root.write("/etc/resolv.conf", resolvText(own));
  return null;
}
