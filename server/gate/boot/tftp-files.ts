import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { RoomcastError } from "../../../core/errors.ts";
import type { TftpSource } from "./tftp-content.ts";

export interface OpenTftpFile extends AsyncDisposable {
  readonly source: TftpSource;
  readonly length: number;
}

export interface TftpFiles {
  /** Rejects with `not-found`, for what is not a plain file inside of the folder. */
  open(name: string): Promise<OpenTftpFile>;
}

/** What a name stands for: a text that is made now, or another file of the folder; undefined: the file of that name. */
export type MadeFile = (
  name: string,
) => { readonly text: string } | { readonly path: string } | undefined;

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
      const meant = made(plain) ?? { path: plain };
      if ("text" in meant) {
        const bytes = new TextEncoder().encode(meant.text);
        return { source: { bytes }, length: bytes.length, [Symbol.asyncDispose]: async () => {} };
      }
      const path = await realpath(join(root, meant.path)).catch(() => undefined);
      if (path === undefined || !path.startsWith(root + sep)) throw missing();
      // Not to wait for a writer, should it be a named pipe.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
        throw missing();
      });
      const found = await file.stat();
      if (!found.isFile()) {
        await file.close();
        throw missing();
      }
      const length = found.size;
      const source = { fd: file.fd, length };
      return { source, length, [Symbol.asyncDispose]: () => file.close() };
    },
  };
}

const missing = (): RoomcastError =>
  new RoomcastError("not-found", "no such file", "see the boot folder's README");
