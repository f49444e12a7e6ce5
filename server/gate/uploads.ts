import { chunkBytes, chunkCountOf } from "../../core/units/units.ts";
import type { Lab } from "../lab/lab.ts";
import type { Upload } from "../store/upload-routes.ts";

/** The capture under way that `task` names: its writer, and how many chunks its disk can have. */
export function uploadOf(lab: Lab, task: string): Upload | undefined {
  const writer = lab.sessions.writerFor(task);
  return writer === undefined ? undefined : { writer, chunkCount: chunkCountOfCapture(lab, task) };
}

/**
 * By the agent's own plan, once it has told how much it reads; else by the size of the disk. Null when
 * the disk is not among those that the PC named when it connected: it may have been plugged in since.
 */
function chunkCountOfCapture(lab: Lab, task: string): number | null {
  const { pc, disk, bytesTotal } = lab.sessions.captureUnderWay(task);
  // Every chunk but the disk's last is whole, so the bytes tell the number.
  if (bytesTotal !== null) return Math.ceil(bytesTotal / chunkBytes);
  const disks = lab.inventory.get(pc)?.hello.disks ?? [];
  const read = disks.filter(({ path }) => disk === null || path === disk);
  return read.length === 0 ? null : chunkCountOf(Math.max(...read.map(({ size }) => size)));
}
