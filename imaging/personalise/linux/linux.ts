/** Linux, made one PC's own: on ext2 to ext4, XFS, and btrfs with its subvolumes. */
import { errorText } from "../../../core/errors.ts";
import type { StepView } from "../../../core/wire/views.ts";
import { Mounts } from "../mounts.ts";
import { runOwnSteps } from "../own-steps.ts";
import { Root } from "../root.ts";
import type { DiskOptions, Volume } from "../system.ts";
import { forgetCloudInstance } from "./cloud-init.ts";
import { findRoots, type LinuxRoot } from "./find-roots.ts";
import { clearIdentity, dropLeases, dropSeeds, giveName } from "./identity.ts";
import { mountOthers } from "./other-volumes.ts";
import { unpinNetwork } from "./pins.ts";
import { label } from "./selinux.ts";
import { giveHostKeys, letAdministratorsIn } from "./ssh.ts";
import { giveAddress } from "./static-address.ts";
import type { LinuxStep, Outcome } from "./step.ts";

/** Null: there is nothing of that kind in this system, so nothing is said. */
type Step = (step: LinuxStep) => Promise<Outcome | null>;

/** In this order: the name is last of those that look for the master's. */
const steps: readonly (readonly [name: string, step: Step])[] = [
  ["machine identity", clearIdentity],
  ["SSH host keys", giveHostKeys],
  ["SSH keys of root", letAdministratorsIn],
  ["random seed", dropSeeds],
  ["DHCP leases", dropLeases],
  ["network cards", unpinNetwork],
  ["cloud-init", forgetCloudInstance],
  ["address", giveAddress],
  ["host name", giveName],
];

const fileSystems = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs"]);

/** Each Linux on the volume: a btrfs may hold several. */
export async function personaliseLinux(volume: Volume, options: DiskOptions): Promise<boolean> {
  if (!fileSystems.has(volume.fs)) return false;
  const { roots, refusal } = await findRoots(volume, options.signal);
  if (refusal !== null) {
    const result = refusal.isAllowed ? "failed" : "left";
    options.said({ name: volume.name, result, detail: refusal.reason, files: [] });
    return true;
  }
  for (const root of roots) await personaliseRoot(volume, root, roots.length > 1, options);
  return roots.length > 0;
}

async function personaliseRoot(
  volume: Volume,
  found: LinuxRoot,
  isOneOfMany: boolean,
  options: DiskOptions,
): Promise<void> {
  const { signal } = options;
  const { path } = found;
  const where = isOneOfMany && path !== null ? `${volume.name}, ${path}` : volume.name;
  const said = (step: StepView): void =>
    options.said({ ...step, name: `Linux on ${where}: ${step.name}` });
  const fail = (detail: string): void =>
    said({ name: "files", result: "failed", detail, files: [] });
  if (found.damage !== null) return fail(found.damage);
  await using mounts = await Mounts.open();
  const subvolume = path === null ? {} : { subvolume: `subvol=${path}` };
  const refusal = await mounts.add(volume, mounts.root, { write: true, ...subvolume, signal });
  if (refusal !== null) return fail(refusal.reason);
  const root = new Root(mounts.root);
  said({ name: "system", result: "done", detail: found.title, files: [] });
  const others = await mountOthers(root, mounts, { volume, ...options });
  if (others !== null) said({ name: "its other volumes", result: "done", files: [], ...others });
  const step: LinuxStep = { ...options, root };
  const changed: string[] = [];
  for (const [name, run] of steps) {
    signal.throwIfAborted();
    const { result = "done", detail } = (await ended(() => run(step))) ?? { detail: null };
    const files = root.takeChanged();
    changed.push(...files);
    if (detail === null) continue;
    const unchanged = result === "done" && files.length === 0 ? " (nothing to change)" : "";
    said({ name, result, detail: detail + unchanged, files });
  }
  const labelled = await ended(() => label(step, changed));
  const files = root.takeChanged();
  if (labelled !== null) said({ name: "SELinux labels", result: "done", ...labelled, files });
  await runOwnSteps(root, options);

  async function ended(run: () => Promise<Outcome | null>): Promise<Outcome | null> {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted) throw error;
      return { result: "failed", detail: failureText(error) };
    }
  }
}

/** What a file system says no with. */
const failures: Readonly<Record<string, string>> = {
  ENOSPC: "its file system is full",
  EDQUOT: "its file system is full: a quota is reached",
  EROFS: "its file system is read-only: it was mounted so, or an error in it was found",
  EIO: "its file system cannot be read or written: the disk or the file system has an error",
  // "Structure needs cleaning"
  EUCLEAN: "its file system has an error: check it on the master, and capture it again",
  EPERM: "a file is marked as not to be changed (chattr +i)",
};

function failureText(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const known = failures[code];
  return known === undefined ? errorText(error) : `${known} (${message})`;
}
