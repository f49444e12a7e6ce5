/** Why a disk that is in the PC may not be seen, from sysfs, in words with the cure. */
import { basename } from "node:path";
import { names, type Roots, readNumber, readText, target } from "../../../imaging/disk/sysfs.ts";

/** PCI class codes (PCI Code and ID Assignment, 1.2): base class 01 is storage, subclass 04 RAID. */
const storageClass = /^0x01/;
const raidClass = /^0x0104/;
const intel = "0x8086";

const ahciCure =
  "In the firmware's setup set the storage (SATA) mode to AHCI instead of RAID, RST, Optane or VMD. " +
  "A Windows that was installed in the other mode starts again after one start in safe mode.";

/** At most one line for each cause; none when nothing is suspicious. `diskCount`: of the disks that are seen. */
export function storageTroubles(roots: Roots, diskCount: number): string[] {
  const troubles: string[] = [];
  const folder = `${roots.sys}/bus/pci/devices`;
  for (const address of names(folder)) {
    const device = `${folder}/${address}`;
    const kind = readText(`${device}/class`) ?? "";
    // The ahci driver counts the NVMe disks that Intel RST hides behind the SATA controller.
    const hidden = readNumber(`${device}/remapped_nvme`) ?? 0;
    if (hidden > 0) troubles.push(`${hidden} NVMe disk hidden by Intel RST. ${ahciCure}`);
    if (!storageClass.test(kind) || target(`${device}/driver`) !== null) continue;
    const vendor = readText(`${device}/vendor`) ?? "";
    const id = `${vendor.slice(2)}:${readText(`${device}/device`)?.slice(2) ?? "?"}`;
    troubles.push(
      vendor === intel && raidClass.test(kind)
        ? `No driver for Intel's RST or VMD controller ${id}. ${ahciCure}`
        : `No driver for storage controller ${id} (${basename(address)}). ` +
            "Restart and press m: another kernel may have one.",
    );
  }
  if (diskCount === 0 && troubles.length === 0)
    troubles.push(
      "NO DISK FOUND. Does the firmware's setup list one? If not: its cable, its power, its slot. " +
        `If so: ${ahciCure}`,
    );
  return troubles;
}
