/** What the restored system mounts beside its root, mounted there as well: `/var` has half of what is its own. */
import { diskOf, type FstabEntry, fstabEntries, isNamed } from "../../../core/personalise/fstab.ts";
import type { Mounts } from "../mounts.ts";
import type { Root } from "../root.ts";
import type { NamedVolume, Volume } from "../system.ts";
import type { Outcome } from "./step.ts";

export interface OthersOptions {
  /** The root's. */
  readonly volume: Volume;
  readonly volumes: readonly NamedVolume[];
  readonly signal: AbortSignal;
}

const fileSystems = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"]);
/** Without these a step would change what lies beneath a volume, and is not seen when it is mounted. */
const needed = /^\/(?:var|root|etc|usr|boot)(?:\/|$)/;

/** In words; null: there are none. */
export async function mountOthers(
  root: Root,
  mounts: Mounts,
  { volume, volumes, signal }: OthersOptions,
): Promise<Outcome | null> {
  const text = await root.read("/etc/fstab").catch(() => null);
  const entries = fstabEntries(text ?? "");
  const rootSource = entries.find(({ where }) => where === "/")?.source ?? "";
  const disk = diskOf(rootSource);
  const mounted: string[] = [];
  const lacking: string[] = [];
  let hasFailed = false;
  for (const entry of entries) {
    const { source, where, fs } = entry;
    if (where === "/" || !(fileSystems.has(fs) || fs === "auto")) continue;
    const found = volumes.find((each) => isNamed(source, each, disk));
    if (found === undefined || !fileSystems.has(found.fs)) {
      if (needed.test(where)) lacking.push(`${where} (${source}) is on no volume of this disk`);
      continue;
    }
    const place = await root.find(where);
    if (place === null || place === root.folder) continue;
    if (found.device === volume.device && volume.fs !== "btrfs") continue;
    const options = { write: true, ...subvolumeOf(entry, found), signal };
    const refusal = await mounts.add(found, place, options);
    if (refusal === null) mounted.push(`${where} from ${found.name}`);
    else lacking.push(`${where}: ${refusal.reason}`);
    if (refusal?.isAllowed && needed.test(where)) hasFailed = true;
  }
  if (mounted.length === 0 && lacking.length === 0) return null;
  const detail = [...mounted, ...lacking].join("; ");
  if (hasFailed) return { result: "failed", detail };
  return lacking.length > 0 ? { result: "left", detail } : { detail };
}

function subvolumeOf({ options }: FstabEntry, { fs }: Volume): { readonly subvolume?: string } {
  const named = options.find((option) => /^subvol(?:id)?=[^,]+$/.test(option));
  return fs === "btrfs" && named !== undefined ? { subvolume: named } : {};
}
