/** A static address or none, in the files of the network manager that the system has. */
import type { Decoded } from "../../../core/errors.ts";
import {
  ifupdownNames,
  ifupdownStatics,
  ifupdownText,
  netplanCount,
  netplanStatics,
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
  if (address.kind !== "static") return leaveToDhcp(root);
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

/** A static address is the master's, which may have been such a PC itself: every clone would have it. */
async function leaveToDhcp(root: Root): Promise<Outcome | null> {
  let isTaken = false;
  for (const path of ownFiles) {
    if ((await root.kind(path)) === null) continue;
    await root.remove(path);
    isTaken = true;
  }
  const refusals: string[] = [];
  for (const [files, staticsOf, give] of [
    [await netplanFiles(root), netplanStatics, giveNetplan],
    [await ifupdownFiles(root), ifupdownStatics, giveIfupdown],
  ] as const) {
    const statics = files.flatMap(({ text }) => staticsOf(text));
    if (statics.length === 0) continue;
    const refusal = await give(root, null);
    if (refusal === null) isTaken = true;
    else refusals.push(`${statics.join(", ")} stays as on the master: ${refusal}`);
  }
  if (refusals.length > 0) return { result: "left", detail: refusals.join("; ") };
  return isTaken ? { detail: "by DHCP: the master's static one is taken out" } : null;
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

async function giveNetplan(root: Root, own: StaticAddress | null): Promise<string | null> {
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

async function ifupdownFiles(root: Root): Promise<{ path: string; text: string }[]> {
  const folder = "/etc/network/interfaces.d";
  const names = (await root.list(folder)).map((name) => `${folder}/${name}`);
  const found = [];
  for (const path of ["/etc/network/interfaces", ...names]) {
    found.push({ path, text: (await root.read(path)) ?? "" });
  }
  return found;
}

async function giveIfupdown(root: Root, own: StaticAddress | null): Promise<string | null> {
  const files = await ifupdownFiles(root);
  const found = files.flatMap((file) =>
    ifupdownNames(file.text).map((name) => ({ ...file, name })),
  );
  const [only] = found;
  if (only === undefined || found.length > 1) {
    return `${found.length} interfaces are configured, so it is not known which one it is for`;
  }
  await root.write(only.path, ifupdownText(only.text, only.name, own));
  if (own === null) return null;
  const isWritten = isThere("/sbin/resolvconf", "/usr/sbin/resolvconf");
  const isOurs = !(await isWritten(root)) && (await root.kind("/etc/resolv.conf")) !== "link";
  if (isOurs && own.dns.length > 0) await root.write("/etc/resolv.conf", resolvText(own));
  return null;
}
