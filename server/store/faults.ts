import { RoomcastError } from "../../core/errors.ts";
import { isFull } from "../../core/node/disk-full.ts";

/** sqlite.org/rescode.html. */
const sqlite = { corrupt: 11, full: 13, notADatabase: 26 } as const;

/** What SQLite says of a file that it cannot make sense of; anything else would not go away with the file. */
export function isUnreadable(cause: unknown): boolean {
  const { errcode } = cause as { errcode?: number };
  return errcode === sqlite.corrupt || errcode === sqlite.notADatabase;
}

export const storeFull = (doing: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "no-space",
    `${doing}: the image store is full`,
    "delete images that are not needed (`roomcast image delete`), or give the data folder more space",
    { cause },
  );

/** What the file system or the catalogue says, as a RoomcastError: `no-space` when it is full. */
export function storeError(doing: string, cause: unknown): RoomcastError {
  if (cause instanceof RoomcastError) return cause;
  const { code, message, errcode } = cause as NodeJS.ErrnoException & { errcode?: number };
  if (isFull(code) || errcode === sqlite.full) {
    return storeFull(doing, cause);
  }
  return new RoomcastError(
    "failed",
    `${doing}: ${code === undefined || code === "ERR_SQLITE_ERROR" ? message : code}`,
    "check the disk that holds the data folder",
    { cause },
  );
}

export const noImage = (imageId: string): RoomcastError =>
  new RoomcastError("not-found", `there is no image ${imageId}`, "see `roomcast image list`");

/** They had arrived. */
export const lostChunks = (): RoomcastError =>
  new RoomcastError(
    "failed",
    "the image cannot be stored: the disk could not write some of its chunks",
    "check the disk that holds the data folder, and capture it again",
  );

/** What was sent is no image. */
export const badImage = (why: string): RoomcastError =>
  new RoomcastError("bad-input", `the image cannot be stored: ${why}`, "capture it again");

/** A chunk that was sent is not the one that was announced. */
export const wrongChunk = (chunkIndex: number, why: string): RoomcastError =>
  badImage(`chunk ${chunkIndex}: ${why}`);
