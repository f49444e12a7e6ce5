import { constants, readSync } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { TftpContent } from "../../core/boot/tftp-transfer.ts";
import { RoomcastError } from "../../core/errors.ts";

/**
 * Read at a time, from the kernel's page cache as a rule: some 20 µs in which nothing else is served, and
 * what the largest number of transfers at once holds in memory is 32 MiB.
 */
const readBytes = 128 * 1024;

export type OpenTftpContent = TftpContent & Disposable;

export interface TftpFiles {
  /** Rejects with `not-found`, for what is not a plain file inside of the folder. */
  open(name: string): Promise<OpenTftpContent>;
}

/** The text of a file that is made when it is asked for; undefined: the folder's own file is meant. */
export type MadeFile = (name: string) => string | undefined;

/** The files of one folder, and nothing that lies outside, be it by `..` or by a symbolic link. */
export async function openTftpFiles(
  folder: string,
  made: MadeFile = () => undefined,
): Promise<TftpFiles> {
  const root = await realpath(folder);
  return {
    async open(name) {
      // Some firmware writes its paths with backslashes, or from the root.
      const plain = name.replaceAll("\\", "/").replace(/^\/+/, "");
      const text = made(plain);
      if (text !== undefined) return inMemory(new TextEncoder().encode(text));
      const path = await realpath(join(root, plain)).catch(() => undefined);
      if (path === undefined || !path.startsWith(root + sep)) throw missing();
      // Not to wait for a writer, should it be a named pipe.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
        throw missing();
      });
      const found = await file.stat();
      if (found.isFile()) return new FileContent(file.fd, found.size, () => void file.close());
      await file.close();
      throw missing();
    },
  };
}

const inMemory = (bytes: Uint8Array): OpenTftpContent => ({
  length: bytes.length,
  read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
  [Symbol.dispose]: () => {},
});

/** A file as it was when it was opened: a build that replaces it does so under another inode. */
class FileContent implements OpenTftpContent {
  readonly length: number;
  private readonly fd: number;
  private readonly close: () => void;
  private held: Uint8Array = new Uint8Array();
  private heldFrom = 0;

  constructor(fd: number, length: number, close: () => void) {
    this.fd = fd;
    this.length = length;
    this.close = close;
  }

  read(offset: number, into: Uint8Array): void {
    const from = offset - this.heldFrom;
    if (from < 0 || from + into.length > this.held.length) {
      this.fill(offset);
      if (into.length > this.held.length) throw new Error("the file has become shorter");
      into.set(this.held.subarray(0, into.length));
    } else {
      into.set(this.held.subarray(from, from + into.length));
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private fill(offset: number): void {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, this.length - offset));
    const length = readSync(this.fd, buffer, 0, buffer.length, offset);
    this.held = buffer.subarray(0, length);
    this.heldFrom = offset;
  }
}

const missing = (): RoomcastError =>
  new RoomcastError("not-found", "no such file", "see the boot folder's README");
