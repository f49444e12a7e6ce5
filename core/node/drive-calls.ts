/** Commands for a disk's own controller: NVMe's by its ioctl, ATA's by SG_IO. */
import { type FileHandle, open } from "node:fs/promises";
import koffi from "koffi";

const libc = koffi.load(null);
const ioctlCall = libc.func("int ioctl(int fd, unsigned long request, void *argument)");

/** linux/nvme_ioctl.h: _IO('N', 0x40), _IOWR('N', 0x41, 72 bytes); scsi/sg.h: SG_IO */
const request = { nvmeId: 0x4e40, nvmeAdmin: 0xc0484e41, sgIo: 0x2285 } as const;

/** struct nvme_passthru_cmd: where the address of its data is. */
const nvmeAddress = 24;

/** In libuv's pool, where it may stay for hours. */
const ioctl = (fd: number, code: number, argument: Uint8Array | null): Promise<number> =>
  new Promise((resolve, reject) => {
    ioctlCall.async(fd, code, argument, (error: unknown, result: number) => {
      if (error) reject(error);
      else if (result < 0) reject(new Error(`the kernel refuses: errno ${koffi.errno()}`));
      else resolve(result);
    });
  });

/** Where what is sent or read begins, behind the structures of the call: in one memory, which the call holds. */
const dataAt = 4096;
const memoryFor = (dataBytes: number): Buffer => Buffer.alloc(dataAt + dataBytes);

/** struct sg_io_hdr on a 64-bit machine, with its offsets. */
const sgHeader = {
  bytes: 88,
  direction: 4,
  commandBytes: 8,
  senseBytes: 9,
  dataBytes: 12,
  data: 16,
  command: 24,
  sense: 32,
  timeoutMs: 40,
  status: 64,
  hostStatus: 68,
  driverStatus: 70,
} as const;
/** SG_DXFER_NONE, SG_DXFER_TO_DEV, SG_DXFER_FROM_DEV */
const sgDirection = { none: -1, out: -2, in: -3 } as const;
/** Behind the header: the command, and the memory for its sense data. */
const commandAt = 128;
const senseAt = 256;
const senseBytes = 64;
const sgPointers = [
  [sgHeader.data, dataAt],
  [sgHeader.command, commandAt],
  [sgHeader.sense, senseAt],
] as const;
/** driver_status DRIVER_SENSE: there is sense data, which is looked at. */
const driverSense = 0x08;

/** What was sent, and where the answer goes. */
export interface SgCommand {
  readonly cdb: Uint8Array;
  readonly direction: "none" | "in" | "out";
  readonly data: Uint8Array;
  readonly timeoutMs: number;
}

/** The header, its command and its data in one memory, without the pointers between them. */
export function sgMemory({ cdb, direction, data, timeoutMs }: SgCommand): Buffer {
  const memory = memoryFor(data.length);
  memory.write("S");
  memory.writeInt32LE(sgDirection[direction], sgHeader.direction);
  memory[sgHeader.commandBytes] = cdb.length;
  memory[sgHeader.senseBytes] = senseBytes;
  memory.writeUInt32LE(data.length, sgHeader.dataBytes);
  memory.writeUInt32LE(timeoutMs, sgHeader.timeoutMs);
  memory.set(cdb, commandAt);
  memory.set(data, dataAt);
  return memory;
}

/** A disk's controller. Its handle reads, so that nothing else on the PC is told of a change. */
export class DriveHandle implements AsyncDisposable {
  private readonly handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  static async open(path: string): Promise<DriveHandle> {
    return new DriveHandle(await open(path, "r"));
  }

  namespace(): Promise<number> {
    return ioctl(this.handle.fd, request.nvmeId, null);
  }

  /** `command`: struct nvme_passthru_cmd without the address of its data. */
  async admin(command: Uint8Array, data: Uint8Array): Promise<number> {
    const memory = memoryFor(data.length);
    memory.set(command);
    if (data.length > 0)
      memory.writeBigUInt64LE(BigInt(koffi.address(memory)) + BigInt(dataAt), nvmeAddress);
    const status = await ioctl(this.handle.fd, request.nvmeAdmin, memory);
    data.set(memory.subarray(dataAt));
    return status;
  }

  async ata(command: SgCommand): Promise<string | null> {
    const memory = sgMemory(command);
    const { data, direction } = command;
    const base = BigInt(koffi.address(memory));
    for (const [field, at] of sgPointers) memory.writeBigUInt64LE(base + BigInt(at), field);
    await ioctl(this.handle.fd, request.sgIo, memory);
    if (direction === "in") data.set(memory.subarray(dataAt));
    return sgFault(memory, memory.subarray(senseAt, senseAt + senseBytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }
}

/** SPC-4, 4.5: sense data in fixed form has the key in byte 2, in descriptors' form in byte 1. */
export function sgFault(header: Uint8Array, sense: Uint8Array): string | null {
  const status = header[sgHeader.status] ?? 0;
  const host = header[sgHeader.hostStatus] ?? 0;
  const driver = (header[sgHeader.driverStatus] ?? 0) & ~driverSense;
  if (status === 0 && host === 0 && driver === 0) return null;
  const key = (((sense[0] ?? 0) & 0x7f) >= 0x72 ? (sense[1] ?? 0) : (sense[2] ?? 0)) & 0xf;
  // 0Bh: the disk aborted the command; 05h: what passes commands on does not take it.
  if (key === 0x0b) return "the disk does not take the command now";
  if (key === 0x05) return "the disk does not have the command";
  return `status ${status}, host ${host}, driver ${driver}, sense key ${key}`;
}
