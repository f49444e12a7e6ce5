import type { DiskView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";

/** `/dev/nvme0n1` → `nvme0n1` */
export const diskName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** `sda (Samsung 860 EVO, S3Z9NB0K)`: which disk, so that a person can find it. */
export function diskIdentity(disk: DiskView): string {
  const known = [disk.model, disk.serial].filter((part) => part !== null && part !== "");
  return known.length === 0 ? diskName(disk.path) : `${diskName(disk.path)} (${known.join(", ")})`;
}

/** One line with all that tells disks apart: `/dev/sda  500.1 GB  Samsung 860 EVO  serial S3Z9NB0K  sata`. */
export const diskLine = (disk: DiskView, { t, size }: ScreenSpeech = english): string =>
  [
    disk.path,
    size(disk.size),
    disk.model ?? t("disk.modelUnknown"),
    disk.serial === null ? t("disk.serialNone") : t("disk.serialIs", { serial: disk.serial }),
    disk.transport ?? "",
    disk.protection?.toUpperCase() ?? "",
    disk.health === null || /^(ok|passed)$/i.test(disk.health)
      ? ""
      : t("disk.healthIs", { health: disk.health }),
  ]
    .filter((part) => part !== "")
    .join("  ");
