import type { DiskView } from "../../../core/wire/views.ts";
import { type DriveCalls, type DriveFacts, inspectDrive } from "../../../imaging/wipe/drive.ts";

/** What a disk can do to erase itself. Rejects when it cannot be opened. */
export async function askErase(
  disk: DiskView,
  open: (path: string) => Promise<DriveCalls & AsyncDisposable>,
): Promise<DriveFacts> {
  await using drive = await open(disk.path);
  return await inspectDrive(disk, drive);
}
