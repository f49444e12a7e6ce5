/** A disk, or a file that stands for one, read and written past the page cache (O_DIRECT). */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { assert, RoomcastError } from "../../core/errors.ts";
import type { ByteSource } from "../../core/image/byte-source.ts";
import {
  discardBlocks,
  dropCache,
  lockFile,
  misalignment,
  punchHoleIn,
  reReadPartitions,
  zeroOut,
} from "../../core/node/disk-calls.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { sizeText } from "../../core/screen/format.ts";
import { type Bytes, bytes } from "../../core/units/units.ts";

/** A block device that can do more than be read and written. Ranges are multiples of the logical sector, but for the end. */
export interface Disk extends BlockDevice {
  /** The range reads as zeros afterwards: by the device's own command where it has one. */
  zero(offset: number, length: number): Promise<void>;
  /** TRIM; false when the device has none. */
  discard(offset: number, length: number): Promise<boolean>;
}

/** Memory for O_DIRECT has to start at a multiple of the sector; pages suit every disk. */
const memoryAlignment = 4096;
/** Files on disks of 4096-byte sectors want this, the others take it. */
const fileAlignment = 4096;
/** What is copied or zeroed in one call. */
const pieceBytes = 1 << 20;

/** Memory that O_DIRECT takes without a copy. */
export function alignedBuffer(length: number): Uint8Array {
  const memory = new Uint8Array(length + memoryAlignment);
  const off = misalignment(memory, memoryAlignment);
  const start = off === 0 ? 0 : memoryAlignment - off;
  return memory.subarray(start, start + length);
}

/** A disk for those who read its bytes and nothing else. */
export const sourceOf = (disk: BlockDevice): ByteSource => ({
  size: disk.size,
  async read(offset, length) {
    const data = alignedBuffer(length);
    await disk.read(offset, data);
    return data;
  },
});

/**
 * Opens a disk or a file. For writing it is taken exclusively: a disk that is mounted, or in use by
 * anything that says so, is `refused`; so is a file that another process holds. Other failures are
 * `not-found`, `bad-input` (neither disk nor file), `failed`.
 */
export async function openDisk(path: string, options: { readonly write: boolean }): Promise<Disk> {
  const { write } = options;
  const kind = await describe(path);
  const { handle, direct } = await openDirect(path, write, kind.isBlock);
  if (write && !kind.isBlock && !(await lockFile(handle.fd))) {
    await handle.close();
    throw inUse(path);
  }
  return new OpenDisk({ ...kind, path, handle, direct, write });
}

interface Kind {
  readonly isBlock: boolean;
  readonly size: number;
  readonly logicalSector: number;
}

async function describe(path: string): Promise<Kind> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (cause) {
    const next = "check its name and that the disk is there (`lsblk`)";
    throw new RoomcastError("not-found", `${path} cannot be opened: ${codeOf(cause)}`, next, {
      cause,
    });
  }
  if (found.isFile()) return { isBlock: false, size: found.size, logicalSector: 512 };
  if (!found.isBlockDevice()) {
    throw new RoomcastError("bad-input", `${path} is neither a disk nor a file`, "name a disk");
  }
  const folder = `/sys/dev/block/${deviceNumber(found.rdev)}`;
  const sectors = Number(await readFile(`${folder}/size`, "utf8"));
  const sector =
    (await readFile(`${folder}/queue/logical_block_size`, "utf8").catch(() => undefined)) ??
    // A partition has no queue of its own.
    (await readFile(`${folder}/../queue/logical_block_size`, "utf8"));
  // Documentation/ABI: `size` is in 512-byte units whatever the sector is.
  return { isBlock: true, size: sectors * 512, logicalSector: Number(sector) };
}

/** `8:0` of a device number as glibc packs it (gnu_dev_major, gnu_dev_minor). */
export function deviceNumber(rdev: number): string {
  const low = rdev % 2 ** 32;
  const high = Math.floor(rdev / 2 ** 32);
  const major = ((low >>> 8) & 0xfff) + (high & 0xfffff000);
  const minor = (low & 0xff) + ((low >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}

async function openDirect(
  path: string,
  write: boolean,
  isBlock: boolean,
): Promise<{ handle: FileHandle; direct: boolean }> {
  const flags =
    (write ? constants.O_RDWR : constants.O_RDONLY) | (write && isBlock ? constants.O_EXCL : 0);
  try {
    return { handle: await open(path, flags | constants.O_DIRECT), direct: true };
  } catch (error) {
    if (codeOf(error) === "EBUSY") throw inUse(path);
    if (codeOf(error) !== "EINVAL") throw notOpened(path, error);
  }
  // A file system without O_DIRECT.
  const handle = await open(path, flags).catch((cause: unknown) => {
    throw notOpened(path, cause);
  });
  return { handle, direct: false };
}

const inUse = (path: string): RoomcastError =>
  new RoomcastError(
    "refused",
    `${path} is in use (mounted, part of a RAID or LVM, or held by another process)`,
    "unmount it or end what uses it, or choose another disk",
  );

function notOpened(path: string, cause: unknown): RoomcastError {
  const next =
    codeOf(cause) === "EROFS" || codeOf(cause) === "EPERM"
      ? "the disk is write-protected: look for a switch or a lock in the firmware's setup"
      : "check the disk and its cable, and that you may use it";
  return new RoomcastError("failed", `${path} cannot be opened: ${codeOf(cause)}`, next, { cause });
}

class OpenDisk implements Disk {
  readonly path: string;
  readonly size: Bytes;
  readonly logicalSector: number;
  private readonly handle: FileHandle;
  private readonly isBlock: boolean;
  private readonly direct: boolean;
  private readonly writable: boolean;
  private readonly alignment: number;
  /** For the odd end of a file, or of an image that ends within a sector: O_DIRECT cannot write it. */
  private buffered: Promise<FileHandle> | undefined;
  private written = false;

  constructor(
    opened: Kind & { path: string; handle: FileHandle; direct: boolean; write: boolean },
  ) {
    this.path = opened.path;
    this.size = bytes(opened.size);
    this.logicalSector = opened.logicalSector;
    this.handle = opened.handle;
    this.isBlock = opened.isBlock;
    this.direct = opened.direct;
    this.writable = opened.write;
    this.alignment = opened.isBlock ? opened.logicalSector : fileAlignment;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.assertInside(offset, into.length);
    try {
      if (!this.direct) await this.settleCache(offset, into.length);
      if (!this.direct || this.isAligned(offset, into)) await this.readExactly(offset, into);
      else await this.readAround(offset, into);
    } catch (cause) {
      throw this.failure("reading", offset, cause);
    }
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    this.assertInside(offset, data.length);
    assert(this.writable, `${this.path} is open for writing`);
    this.written = true;
    const atSectors = offset % this.alignment === 0 && data.length % this.alignment === 0;
    const isPlaced = offset % this.alignment === 0 || !this.isBlock;
    assert(isPlaced, `a write at byte ${offset} begins with a sector`);
    try {
      if (!this.direct) return await this.writeAll(this.handle, offset, data);
      if (!atSectors) return await this.writeBuffered(offset, data);
      if (this.isAligned(offset, data)) return await this.writeAll(this.handle, offset, data);
      const copy = alignedBuffer(Math.min(pieceBytes, data.length));
      for (let done = 0; done < data.length; done += pieceBytes) {
        const piece = data.subarray(done, done + pieceBytes);
        copy.set(piece);
        await this.writeAll(this.handle, offset + done, copy.subarray(0, piece.length));
      }
    } catch (cause) {
      throw this.failure("writing", offset, cause);
    }
  }

  async zero(offset: number, length: number): Promise<void> {
    this.assertInside(offset, length);
    assert(this.writable, `${this.path} is open for writing`);
    if (length === 0) return;
    this.written = true;
    const { fd } = this.handle;
    const errno = await (this.isBlock ? zeroOut : punchHoleIn)(fd, offset, length);
    if (errno === 0) return;
    const zeros = alignedBuffer(Math.min(pieceBytes, length));
    for (let done = 0; done < length; done += pieceBytes) {
      await this.write(offset + done, zeros.subarray(0, Math.min(pieceBytes, length - done)));
    }
  }

  async discard(offset: number, length: number): Promise<boolean> {
    this.assertInside(offset, length);
    assert(this.writable, `${this.path} is open for writing`);
    this.written = true;
    const errno = await (this.isBlock ? discardBlocks : punchHoleIn)(
      this.handle.fd,
      offset,
      length,
    );
    return errno === 0;
  }

  async flush(): Promise<void> {
    try {
      await this.handle.sync();
    } catch (cause) {
      throw this.failure("flushing", null, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.written && this.isBlock) await reReadPartitions(this.handle.fd);
    await (await this.buffered)?.close();
    await this.handle.close();
  }

  private isAligned(offset: number, data: Uint8Array): boolean {
    return (
      offset % this.alignment === 0 &&
      data.length % this.alignment === 0 &&
      misalignment(data, memoryAlignment) === 0
    );
  }

  private async readExactly(offset: number, into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.handle.read(into, done, into.length - done, offset + done);
      if (bytesRead === 0) throw new Error("it ends early");
      done += bytesRead;
    }
  }

  /** Reads whole sectors around the range, piece by piece. */
  private async readAround(offset: number, into: Uint8Array): Promise<void> {
    const { alignment } = this;
    const around = Math.ceil(((offset % alignment) + into.length) / alignment) * alignment;
    const window = alignedBuffer(Math.min(pieceBytes, around));
    for (let done = 0; done < into.length; ) {
      const at = offset + done;
      const start = at - (at % alignment);
      const skip = at - start;
      const wanted = Math.min(into.length - done, pieceBytes - skip);
      const length = Math.ceil((skip + wanted) / alignment) * alignment;
      // At the odd end of a file the read is short, and still has all that is wanted.
      const { bytesRead } = await this.handle.read(window, 0, length, start);
      if (bytesRead < skip + wanted) throw new Error("it ends early");
      into.set(window.subarray(skip, skip + wanted), done);
      done += wanted;
    }
  }

  private async writeAll(handle: FileHandle, offset: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await handle.write(data, done, data.length - done, offset + done);
      if (bytesWritten === 0) throw new Error("it takes no more");
      done += bytesWritten;
    }
  }

  private async writeBuffered(offset: number, data: Uint8Array): Promise<void> {
    this.buffered ??= open(this.path, constants.O_RDWR);
    const handle = await this.buffered;
    await this.writeAll(handle, offset, data);
    await handle.datasync();
    await dropCache(handle.fd, offset, data.length);
  }

  /** Without O_DIRECT: has what was written on the disk, and out of the cache. */
  private async settleCache(offset: number, length: number): Promise<void> {
    if (this.written) await this.handle.datasync();
    await dropCache(this.handle.fd, offset, length);
  }

  private assertInside(offset: number, length: number): void {
    assert(
      Number.isSafeInteger(offset) && offset >= 0 && offset + length <= this.size,
      `bytes ${offset} to ${offset + length} lie on ${this.path}`,
    );
  }

  private failure(doing: string, offset: number | null, cause: unknown): RoomcastError {
    const where = offset === null ? "" : ` at ${sizeText(offset)} (byte ${offset})`;
    const code = codeOf(cause);
    const next =
      code === "ENOSPC"
        ? "free space where the file is"
        : "check the disk's cable and health; replace the disk if it happens again";
    return new RoomcastError("failed", `${doing} ${this.path}${where}: ${code}`, next, { cause });
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EIO") return "input/output error";
  return code ?? message;
}
