/** A folder on a file system of its own, which can be filled to the last byte. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  readonly folder: string;
  fill(): void;
  free(): void;
}

/** Mounted, which needs root, as `size` of tmpfs. */
export function smallDisk(size = "16m"): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", folder]);
  const filler = join(folder, "filler");
  return {
    folder,
    fill: () => fillWith(filler),
    free: () => rmSync(filler),
    [Symbol.dispose]() {
      // What was open there may still be closing.
      execFileSync("umount", ["--lazy", folder]);
      rmSync(folder, { recursive: true });
    },
  };
}

function fillWith(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let length = 1 << 20; length > 0; )
      try {
        writeSync(file, Buffer.alloc(length));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        length >>= 1;
      }
  } finally {
    closeSync(file);
  }
}
