/** Where on a volume a Linux system is. */
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { uncleanState } from "../../../core/image/file-system-state.ts";
import { openDisk, sourceOf } from "../../disk/disk.ts";
import { readText } from "../../disk/sysfs.ts";
import { Mounts, type Refusal } from "../mounts.ts";
import { Root } from "../root.ts";
import type { Volume } from "../system.ts";

export interface LinuxRoot {
  /** Of a btrfs the subvolume; null: the volume's own root. */
  readonly path: string | null;
  /** What it calls itself. */
  readonly title: string;
  /** Why nothing may be changed in it; null: nothing is known against it. */
  readonly damage: string | null;
}

/** More subvolumes are not looked at. */
const subvolumesLimit = 64;

/** Changes nothing but what the kernel replays of a journal. */
export async function findRoots(
  volume: Volume,
  signal: AbortSignal,
): Promise<{ readonly roots: readonly LinuxRoot[]; readonly refusal: Refusal | null }> {
  // The kernel replays a journal when it is mounted; damage it only marks.
  const damage = await damageOf(volume);
  await using mounts = await Mounts.open();
  const refusal = await mounts.add(volume, mounts.root, { write: false, signal });
  if (refusal !== null) return { roots: [], refusal };
  const at = volume.fs === "btrfs" ? mountedSubvolume(mounts.root) : null;
  const title = await titleOf(new Root(mounts.root));
  const isTop = at === null || at === "/";
  const own = title === null ? [] : [{ path: isTop ? null : at, title, damage }];
  // The default subvolume was chosen by somebody: it is the system.
  if (volume.fs !== "btrfs" || (own.length > 0 && !isTop)) return { roots: own, refusal: null };
  return { roots: [...own, ...(await subvolumes(volume, damage, signal))], refusal: null };
}

/** Of a btrfs, those below its top: `@`, `@rootfs`, `root`. Snapshots are read-only, and stay as they are. */
async function subvolumes(
  volume: Volume,
  damage: string | null,
  signal: AbortSignal,
): Promise<LinuxRoot[]> {
  await using mounts = await Mounts.open();
  // By its number the top is found, whatever the default is.
  const options = { write: true, subvolume: "subvolid=5", signal };
  if ((await mounts.add(volume, mounts.root, options)) !== null) return [];
  const top = new Root(mounts.root);
  const found: (LinuxRoot & { readonly isFixed: boolean })[] = [];
  for (const name of (await top.list("/")).slice(0, subvolumesLimit)) {
    if ((await top.kind(name)) !== "folder") continue;
    const folder = join(mounts.root, name);
    const title = await titleOf(new Root(folder));
    if (title === null) continue;
    const isFixed = await access(folder, constants.W_OK).then(
      () => false,
      () => true,
    );
    found.push({ path: `/${name}`, title, damage, isFixed });
  }
  const free = found.filter(({ isFixed }) => !isFixed);
  return (free.length > 0 ? free : found).map(({ path, title }) => ({ path, title, damage }));
}

/** Where in its btrfs a mount is (proc(5), mountinfo: the fourth field). */
function mountedSubvolume(where: string): string {
  const lines = (readText("/proc/self/mountinfo") ?? "").split("\n");
  return lines.map((line) => line.split(" ")).find((fields) => fields[4] === where)?.[3] ?? "/";
}

async function damageOf({ fs, device }: Volume): Promise<string | null> {
  if (!fs.startsWith("ext")) return null;
  await using disk = await openDisk(device, { write: false });
  const unclean = await uncleanState(fs, sourceOf(disk));
  if (unclean === null || !unclean.next.includes("e2fsck")) return null;
  return `nothing was changed in its ${fs}: ${unclean.reason}; ${unclean.next} on the master, and capture it again`;
}

/** Files by which a root is known that has no os-release(5). */
const marks = ["/etc/fstab", "/etc/debian_version", "/etc/redhat-release", "/etc/SuSE-release"];

/** Null: it is no root of a Linux. */
async function titleOf(root: Root): Promise<string | null> {
  const release =
    (await root.read("/etc/os-release").catch(() => null)) ??
    (await root.read("/usr/lib/os-release").catch(() => null));
  const isMarked = await Promise.all(marks.map((mark) => root.kind(mark)));
  const hasRelease = release !== null || (await root.kind("/etc/os-release")) !== null;
  if (!hasRelease && isMarked.every((kind) => kind === null)) return null;
  const hasPrograms = (await root.kind("/usr")) !== null || (await root.kind("/bin")) !== null;
  if ((await root.kind("/etc")) !== "folder" || !hasPrograms) return null;
  const named = /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(release ?? "")?.[2] ?? "";
  return named === "" ? "Linux" : named;
}
