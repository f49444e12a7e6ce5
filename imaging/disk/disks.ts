/** The disks of a PC, from sysfs: what can be written to and is built in for good. */

import { statSync } from "node:fs";
import { basename } from "node:path";
import { printable } from "../../core/units/printable.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { deviceNumber } from "./disk.ts";
import { names, type Roots, readBytes, readNumber, readText, target } from "./sysfs.ts";

/**
 * Whole disks by the kernel's names. Not loop, ram, zram, dm, md, sr, fd; not an eMMC's boot areas
 * (mmcblk0boot0) nor the paths of a multipath NVMe (nvme0c0n1).
 */
const diskName = /^(?:sd[a-z]+|hd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;

/** Longer texts from a disk's firmware are cut. */
const textLimit = 256;

/** All disks that have a size, in the order of their names. */
export function listDisks(roots: Roots): DiskView[] {
  return names(`${roots.sys}/block`).flatMap((name) => {
    if (!diskName.test(name)) return [];
    const folder = `${roots.sys}/block/${name}`;
    const sectors = readNumber(`${folder}/size`) ?? 0;
    return sectors > 0 ? [describeDisk(folder, `/dev/${name}`)] : [];
  });
}

/** A disk or a file that was named, so that nothing protects it. Null when it is not there, or is neither. */
export function describePath(path: string, roots: Roots): DiskView | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isBlockDevice()) {
    const folder = target(`${roots.sys}/dev/block/${deviceNumber(found.rdev)}`);
    return folder === null ? null : { ...describeDisk(folder, path), protection: null };
  }
  if (!found?.isFile()) return null;
  return {
    path,
    size: found.size,
    logicalSector: 512,
    model: null,
    serial: null,
    wwn: null,
    transport: "file",
    rotational: null,
    health: null,
    protection: null,
  };
}

function describeDisk(folder: string, path: string): DiskView {
  const rotational = readNumber(`${folder}/queue/rotational`);
  const device = target(`${folder}/device`) ?? folder;
  const transport = transportOf(device, basename(path));
  return {
    path,
    // Documentation/ABI: in 512-byte units whatever the sector is.
    size: (readNumber(`${folder}/size`) ?? 0) * 512,
    logicalSector:
      readNumber(`${folder}/queue/logical_block_size`) ??
      readNumber(`${folder}/../queue/logical_block_size`) ??
      512,
    model: cut(readText(`${folder}/device/model`) ?? readText(`${folder}/device/name`)),
    serial: cut(serialOf(folder)),
    wwn: cut(readText(`${folder}/wwid`) ?? readText(`${folder}/device/wwid`)),
    transport,
    rotational: rotational === null ? null : rotational === 1,
    health: null,
    protection: protectionOf(folder, transport),
  };
}

/** Of disks that people carry about, and of those that are not to be written. */
function protectionOf(folder: string, transport: string): string | null {
  if (transport === "usb") return "USB";
  // mmc core: `MMC` is soldered (eMMC), `SD` and `SDcombo` are cards.
  if (transport === "mmc" && readText(`${folder}/device/type`)?.startsWith("SD")) return "SD card";
  if (readNumber(`${folder}/ro`) === 1) return "write-protected";
  return readNumber(`${folder}/removable`) === 1 ? "removable" : null;
}

/** NVMe and eMMC: device/serial; virtio: serial; SCSI and SATA: page 0x80 of the vital product data. */
function serialOf(folder: string): string | null {
  const plain = readText(`${folder}/device/serial`) ?? readText(`${folder}/serial`);
  if (plain !== null) return plain;
  // SPC-4, 7.8.15: four bytes of header, then the serial number in ASCII.
  const page = readBytes(`${folder}/device/vpd_pg80`);
  if (page === null || page.length <= 4) return null;
  const text = Buffer.from(page.subarray(4)).toString("latin1").replace(/\0/g, "").trim();
  return text === "" ? null : text;
}

/** By the path of the device through the buses. */
function transportOf(device: string, name: string): string {
  if (/\/usb\d/.test(device)) return "usb";
  if (/\/nvme\d/.test(device)) return "nvme";
  if (/\/mmc\d|\/mmc_host\//.test(device)) return "mmc";
  if (/\/ata\d/.test(device)) return name.startsWith("hd") ? "ide" : "sata";
  if (/\/end_device-\d/.test(device)) return "sas";
  if (/\/virtio\d/.test(device)) return "virtio";
  return "scsi";
}

/** Firmware pads its texts with blanks, in the middle as well. Printable here too: what the server knows is so. */
const cut = (text: string | null): string | null =>
  text === null ? null : printable(text.replace(/\s+/g, " ")).slice(0, textLimit);
