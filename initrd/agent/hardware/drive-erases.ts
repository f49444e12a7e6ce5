import { DriveHandle } from "../../../core/node/drive-calls.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { inspectDrive } from "../../../imaging/wipe/drive.ts";

/** Which disks can erase themselves, by their path; asked once. */
export class DriveErases {
  private readonly known = new Map<string, boolean>();

  of(path: string): boolean | null {
    return this.known.get(path) ?? null;
  }

  /** Asks those that were not asked yet. Never rejects: a disk that cannot be opened is not known. */
  async ask(disks: readonly DiskView[]): Promise<void> {
    const unknown = disks.filter(({ path }) => !this.known.has(path));
    await Promise.all(
      unknown.map(async (disk) => {
        const drive = await DriveHandle.open(disk.path).catch(() => null);
        if (drive === null) return;
        await using opened = drive;
        this.known.set(disk.path, (await inspectDrive(disk, opened)).erase.kind !== "none");
      }),
    );
  }
}
