import type { LinuxStep, Outcome } from "./step.ts";

const settings = "/etc/cloud/cloud.cfg.d";

/** What cloud-init knows of the machine that it ran on. */
const known = [
  "/var/lib/cloud/instance",
  "/var/lib/cloud/instances",
  "/var/lib/cloud/data/instance-id",
  "/var/lib/cloud/data/previous-instance-id",
  "/var/lib/cloud/data/previous-datasource",
  "/var/lib/cloud/data/previous-hostname",
];

/** It takes this PC for a new one, and leaves alone what is its own already. */
export async function forgetCloudInstance({ root, personal }: LinuxStep): Promise<Outcome | null> {
  if ((await root.kind(settings)) !== "folder") return null;
  for (const path of known) await root.remove(path);
  const lines = [
    "# What roomcast has set, cloud-init leaves as it is.",
    "preserve_hostname: true",
    "manage_etc_hosts: false",
    "ssh_deletekeys: false",
    ...(personal.address.kind === "static" ? ["network: {config: disabled}"] : []),
  ];
  await root.write(`${settings}/99-roomcast.cfg`, `${lines.join("\n")}\n`);
  return { detail: "its instance is forgotten; name and host keys are not its affair" };
}
