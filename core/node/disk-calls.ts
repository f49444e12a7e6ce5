/** The calls on disks and files that Node does not have. Each resolves to 0, or to the errno. */
import koffi from "koffi";

const libc = koffi.load(null);
const ioctlCall = libc.func("int ioctl(int fd, unsigned long request, void *argument)");
const fallocateCall = libc.func("int fallocate(int fd, int mode, int64_t offset, int64_t length)");
const fadviseCall = libc.func(
  "int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)",
);
const lseekCall = libc.func("int64_t lseek(int fd, int64_t offset, int whence)");
const flockCall = libc.func("int flock(int fd, int operation)");
const listAttributes = libc.func("long flistxattr(int fd, void *names, size_t size)");
const getAttribute = libc.func("long fgetxattr(int fd, void *name, void *value, size_t size)");
const setAttribute = libc.func(
  "int fsetxattr(int fd, void *name, void *value, size_t size, int flags)",
);

/**
 * linux/fs.h: _IO(0x12, 95), _IO(0x12, 119), _IO(0x12, 127);
 * _IOR('f', 1, long), _IOW('f', 2, long), whatever a long is; linux/btrfs.h: _IOW(0x94, 3, 4096 bytes), _IOW(0x94, 5, 4096 bytes)
 */
const request = {
  reReadPartitions: 0x125f,
  discard: 0x1277,
  zeroOut: 0x127f,
  resizeBtrfs: 0x50009403,
  forgetBtrfs: 0x50009405,
  getFlags: 0x80086601,
  setFlags: 0x40086602,
} as const;
/** linux/fs.h: FS_IMMUTABLE_FL */
const immutable = 0x10;
/** linux/falloc.h: FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */
const punchHole = 0x01 | 0x02;
/** POSIX_FADV_DONTNEED */
const dontNeed = 4;
/** LOCK_EX | LOCK_NB */
const lockExclusive = 2 | 4;

type Call = typeof ioctlCall;

/** In libuv's pool: zeroing and discarding take as long as the disk takes. */
const call = (func: Call, ...values: unknown[]): Promise<number> =>
  new Promise((resolve, reject) => {
    func.async(...values, (error: unknown, result: number) => {
      if (error) reject(error);
      else resolve(result === 0 ? 0 : koffi.errno());
    });
  });

const range = (offset: number, length: number): BigUint64Array =>
  new BigUint64Array([BigInt(offset), BigInt(length)]);

/** BLKZEROOUT: the range of a block device reads as zeros afterwards. */
export const zeroOut = (fd: number, offset: number, length: number): Promise<number> =>
  call(ioctlCall, fd, request.zeroOut, range(offset, length));

/** BLKDISCARD (TRIM): what the range reads as afterwards is the device's affair. */
export const discardBlocks = (fd: number, offset: number, length: number): Promise<number> =>
  call(ioctlCall, fd, request.discard, range(offset, length));

/** BLKRRPART: the kernel forgets the partitions it knew, and reads the table again. */
export const reReadPartitions = (fd: number): Promise<number> =>
  call(ioctlCall, fd, request.reReadPartitions, null);

/** struct btrfs_ioctl_vol_args: a number, and a text. */
const btrfsArgs = (text: string): Uint8Array => {
  const args = new Uint8Array(4096);
  args.set(new TextEncoder().encode(text), 8);
  return args;
};

/** BTRFS_IOC_RESIZE of the btrfs mounted at `fd`: the size of its device of this number; `max`: all that there is. */
export const resizeBtrfs = (
  fd: number,
  deviceNumber: bigint,
  size: number | "max",
): Promise<number> =>
  call(ioctlCall, fd, request.resizeBtrfs, btrfsArgs(`${deviceNumber}:${size}`));

/** BTRFS_IOC_FORGET_DEV: the kernel forgets the btrfs that are not mounted; `fd`: /dev/btrfs-control. */
export const forgetBtrfs = (fd: number): Promise<number> =>
  call(ioctlCall, fd, request.forgetBtrfs, btrfsArgs(""));

/** Takes the flag from a file that it may not be written or removed (FS_IOC_SETFLAGS), where it has it. */
export async function clearImmutable(fd: number): Promise<number> {
  // The kernel reads and writes an int.
  const flags = new Int32Array(2);
  const errno = await call(ioctlCall, fd, request.getFlags, flags);
  if (errno !== 0 || ((flags[0] as number) & immutable) === 0) return errno;
  flags[0] = (flags[0] as number) & ~immutable;
  return await call(ioctlCall, fd, request.setFlags, flags);
}

/** Gives a file's blocks back; the range reads as zeros. */
export const punchHoleIn = (fd: number, offset: number, length: number): Promise<number> =>
  call(fallocateCall, fd, punchHole, offset, length);

/** lseek(2): SEEK_DATA, SEEK_HOLE; the errno for "nothing more". */
const seek = { data: 3, hole: 4 } as const;
const nothingThere = 6;

/** Where a file's next data, or hole, begins at or behind `offset`; null: there is none. */
export function seekIn(fd: number, offset: number, what: keyof typeof seek): number | null {
  const found = Number(lseekCall(fd, offset, seek[what]));
  if (found >= 0) return found;
  if (koffi.errno() === nothingThere) return null;
  // A file system that knows no holes: all of it is data.
  return what === "data" ? offset : null;
}

/** Drops the page cache's clean pages of the range, as far as the kernel likes. */
export const dropCache = async (fd: number, offset: number, length: number): Promise<void> => {
  await call(fadviseCall, fd, offset, length, dontNeed);
};

/** Whether nobody else holds the file; it is held until it is closed. */
export const lockFile = async (fd: number): Promise<boolean> =>
  (await call(flockCall, fd, lockExclusive)) === 0;

/** xattr(7): of all names together, and of one value. */
const attributeLimit = 64 * 1024;

/** Extended attributes of one file (SELinux's label, an access list) for another, as far as it takes them. */
export function copyAttributes(from: number, to: number): void {
  const names = new Uint8Array(attributeLimit);
  const length = listAttributes(from, names, names.length);
  for (let start = 0; start < length; ) {
    const end = names.indexOf(0, start) + 1;
    const name = names.subarray(start, end);
    const value = new Uint8Array(attributeLimit);
    const size = getAttribute(from, name, value, value.length);
    if (size >= 0) setAttribute(to, name, value, size, 0);
    start = end;
  }
}

/** Sets one, which is there or not. */
export const putAttribute = (fd: number, name: string, value: Uint8Array): Promise<number> =>
  call(setAttribute, fd, new TextEncoder().encode(`${name}\0`), value, value.length, 0);

/** Where in memory the first byte is, modulo `alignment`. */
export const misalignment = (data: Uint8Array, alignment: number): number =>
  data.length === 0 ? 0 : Number(koffi.address(data) % BigInt(alignment));
