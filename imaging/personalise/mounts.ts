/** File systems of the restored disk, mounted for a while. */
import { constants } from "node:fs";
import { access, mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import { forgetUnmountedBtrfs } from "../disk/forget-btrfs.ts";
import { runTool, untilItEnds } from "../disk/tool.ts";
import type { Volume } from "./system.ts";

export interface MountOptions {
  readonly write: boolean;
  /** Of btrfs: `subvol=@`. */
  readonly subvolume?: string;
  readonly signal: AbortSignal;
}

/** Why it was not mounted; `isAllowed`: not for want of rights, or of the kernel's knowing it. */
export interface Refusal {
  readonly reason: string;
  readonly isAllowed: boolean;
}

interface Driver {
  /** The kernel's module; its name is the file system's unless said otherwise. */
  readonly module?: string;
  /** Its own program, where mount(8) does not mount it. */
  readonly program?: string;
  /** So that it does no more, and nothing worse, than what is asked of it. */
  readonly options: string;
}

/** Its superblock may say `panic`. */
const ext: Driver = { options: "errors=remount-ro" };
const drivers: Readonly<Record<string, Driver>> = {
  ext2: ext,
  ext3: ext,
  ext4: ext,
  // A second disk with the same image may be mounted.
  xfs: { options: "nouuid" },
  btrfs: { options: "nodiscard,skip_balance" },
  // Nothing of it is run, its log is left alone, and no name that Windows could not take is made.
  ntfs: {
    ...{ module: "fuse", program: "ntfs-3g" },
    options: "norecover,noexec,windows_names,streams_interface=none",
  },
};

/** In milliseconds; a scanner of the host's looks at what is new, and is gone soon. */
const busyWait = 200;
const busyTries = 25;

export class Mounts implements AsyncDisposable {
  /** The folder on which the first one is to be mounted. */
  readonly root: string;
  private readonly places: string[] = [];
  private hasBtrfs = false;

  private constructor(root: string) {
    this.root = root;
  }

  static async open(): Promise<Mounts> {
    return new Mounts(await mkdtemp(join(tmpdir(), "roomcast-root-")));
  }

  /** Answers null once it is mounted. */
  async add(
    { fs, device }: Pick<Volume, "fs" | "device">,
    where: string,
    { write, subvolume, signal }: MountOptions,
  ): Promise<Refusal | null> {
    // Where the module is part of the kernel, or loads by itself, this is of no use and no harm.
    const { module = fs, program, options: own } = drivers[fs] ?? {};
    await runTool("modprobe", ["-q", module], signal);
    const all = [write ? "rw" : "ro", "nosuid", "nodev", "noatime", own, subvolume];
    const options = all.filter((each) => each !== undefined).join(",");
    const type = program === undefined ? ["-t", fs] : [];
    const words = [...type, "-o", options, device, where];
    signal.throwIfAborted();
    const { status, complaint } = await runTool(program ?? "mount", words, untilItEnds());
    if (fs === "btrfs") this.hasBtrfs = true;
    if (status === 0) {
      this.places.push(where);
      // What mounts it makes do with less when the device, or the file system, does not let itself be written.
      if (!write || (await isWritable(where))) return null;
      return {
        reason: `its ${fs} is read-only, by a mark of its own or of the disk`,
        isAllowed: true,
      };
    }
    const isAllowed =
      !/permitted|permission denied|superuser|only root|unknown filesystem|no such device/i.test(
        complaint,
      );
    return { reason: `its ${fs} cannot be mounted: ${complaint}`, isAllowed };
  }

  /** Rejects with `failed` when the kernel does not let go of one: what was written may not be on the disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    const kept: string[] = [];
    for (const where of this.places.splice(0).reverse()) {
      const complaint = await unmounted(where);
      if (complaint !== null) kept.push(complaint);
    }
    if (kept.length > 0) {
      const next = "restart the PC, and restore to it again";
      throw new RoomcastError("failed", `the restored system stays mounted: ${kept[0]}`, next);
    }
    await rmdir(this.root).catch(() => {});
    if (this.hasBtrfs) await forgetUnmountedBtrfs();
  }
}

const isWritable = (folder: string): Promise<boolean> =>
  access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );

async function unmounted(where: string): Promise<string | null> {
  for (let tries = 1; ; tries++) {
    const { status, complaint } = await runTool("umount", [where], untilItEnds());
    if (status === 0) return null;
    if (tries === busyTries) return complaint;
    await sleep(busyWait);
  }
}
