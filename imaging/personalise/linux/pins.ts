import {
  ifcfgPins,
  ifupdownPins,
  netplanPins,
  networkdPins,
  networkManagerPins,
  type Pins,
  udevPins,
} from "../../../core/personalise/network-pins.ts";
import type { Root } from "../root.ts";
import { ownFiles } from "./static-address.ts";
import type { LinuxStep, Outcome } from "./step.ts";

type Edit = (text: string, own: string | null) => Pins;

/** Where the texts are, by folder and name. */
const places: readonly (readonly [folder: string, name: RegExp, edit: Edit])[] = [
  ["/etc/NetworkManager/system-connections", /./, networkManagerPins],
  ["/etc/sysconfig/network-scripts", /^ifcfg-/, ifcfgPins],
  ["/etc/sysconfig/network", /^ifcfg-/, ifcfgPins],
  ["/etc/network", /^interfaces$/, ifupdownPins],
  ["/etc/network/interfaces.d", /./, ifupdownPins],
  ["/etc/netplan", /\.yaml$/, netplanPins],
  ["/etc/systemd/network", /\.(?:link|network|netdev)$/, networkdPins],
  ["/etc/udev/rules.d", /\.rules$/, udevPins],
];

/** Written by udev itself for each card that it has seen, up to systemd 208. */
const written = /^\d+-(?:persistent-net|net_persistent-names)\.rules$/;

export async function unpinNetwork({ root, mac }: LinuxStep): Promise<Outcome> {
  for (const name of await root.list("/etc/udev/rules.d")) {
    if (written.test(name)) await root.remove(`/etc/udev/rules.d/${name}`);
  }
  const texts = await textsOf(root);
  const macs = [...new Set(texts.flatMap(({ text, edit }) => edit(text, null).macs))];
  // Of several cards nobody knows which of this PC's is which.
  const own = macs.length === 1 ? mac : null;
  for (const { path, text, edit } of texts) await root.write(path, edit(text, own).text);
  if (macs.length < 2) return { detail: "nothing is bound to the master's" };
  const detail = `settings are bound to several cards, and stay so: ${macs.join(", ")}`;
  return { result: "left", detail };
}

interface Found {
  readonly path: string;
  readonly text: string;
  readonly edit: Edit;
}

async function textsOf(root: Root): Promise<Found[]> {
  const found: Found[] = [];
  for (const [folder, pattern, edit] of places) {
    for (const name of await root.list(folder)) {
      const path = `${folder}/${name}`;
      // A link to /dev/null turns a file of the distribution off.
      const isMasters = pattern.test(name) && !ownFiles.includes(path);
      const text = isMasters ? await root.read(path) : null;
      if (text !== null) found.push({ path, text, edit });
    }
  }
  return found;
}
