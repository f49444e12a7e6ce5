import { type DriveCalls, type DriveFacts, inspectDrive } from "../../../imaging/wipe/drive.ts";
import { DiskAnswers } from "./disk-answers.ts";

/** What disks can do to erase themselves; `open` rejects where a disk cannot be opened. */
export const driveErases = (
  open: (path: string) => Promise<DriveCalls & AsyncDisposable>,
): DiskAnswers<DriveFacts> =>
  new DiskAnswers(
    async (disk) => {
      await using drive = await open(disk.path);
      return await inspectDrive(disk, drive);
    },
    // A person who was told how may have thawed it.
    ({ isFrozen }) => isFrozen === true,
  );
