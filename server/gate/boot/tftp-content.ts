import { readSync } from "node:fs";
import type { TftpContent } from "../../../core/boot/tftp-transfer.ts";

/**
 * Read at a time, from the kernel's page cache as a rule; what the largest number of transfers at once
 * holds in memory is 32 MiB.
 */
const readBytes = 128 * 1024;

/** What a transfer reads from, in a form that goes to a worker: an open file, or what was made. */
export type TftpSource =
  | { readonly fd: number; readonly length: number }
  | { readonly bytes: Uint8Array };

/** The source's owner keeps its descriptor open for as long as this is read. */
export function contentOf(source: TftpSource): TftpContent {
  if ("fd" in source) return new FileContent(source.fd, source.length);
  const { bytes } = source;
  return {
    length: bytes.length,
    read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
  };
}

/** A file as it was when it was opened: a build that replaces it does so under another inode. */
class FileContent implements TftpContent {
  readonly length: number;
  private readonly fd: number;
  private held: Uint8Array = new Uint8Array();
  private heldFrom = 0;

  constructor(fd: number, length: number) {
    this.fd = fd;
    this.length = length;
  }

  read(offset: number, into: Uint8Array): void {
    const isHeld =
      offset >= this.heldFrom && offset + into.length <= this.heldFrom + this.held.length;
    if (!isHeld) this.fill(offset);
    const from = offset - this.heldFrom;
    if (from + into.length > this.held.length) throw new Error("the file has become shorter");
    into.set(this.held.subarray(from, from + into.length));
  }

  private fill(offset: number): void {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, this.length - offset));
    this.held = buffer.subarray(0, readSync(this.fd, buffer, 0, buffer.length, offset));
    this.heldFrom = offset;
  }
}
