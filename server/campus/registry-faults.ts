/** What a registry refuses, whatever keeps it. */
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";

/** No server has it, or not any more. */
export const noSuchImage = (id: string): RoomcastError =>
  new RoomcastError("not-found", `there is no image ${id}`, "list them: `roomcast image list`");

/** By its id, or by its name and version. */
export const alreadyThere = (manifest: Manifest): RoomcastError =>
  new RoomcastError(
    "conflict",
    `there is an image ${imageName(manifest)} already`,
    "capture it again: it gets a version of its own",
  );

/** The registry does not have all chunks of an image that is to be committed. */
export const chunksLacking = (manifest: Manifest, count: number): RoomcastError =>
  new RoomcastError(
    "conflict",
    `${imageName(manifest)} cannot be committed: ${count} of its chunks are not in the storage, or are being deleted`,
    "capture it again: what is there is not sent twice",
  );

/** A writer that has ended, or of which nothing was heard for so long that it was dropped. */
export const writerEnded = (): RoomcastError =>
  new RoomcastError(
    "conflict",
    "this writing of an image has ended, or was given up because nothing was heard of it for a day",
    "capture the image again",
  );

/** A pack of this name is being deleted, or was a short while ago: a late request may still delete it. */
export const packGoing = (pack: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `pack ${pack} was deleted from the storage while it was put, or less than an hour before`,
    "store the image again in an hour",
  );

/** Another server sweeps now. */
export const leaseLost = (): RoomcastError =>
  new RoomcastError(
    "conflict",
    "another server has taken over the sweep",
    "leave it to that server: it sweeps for all",
  );

/** The database was not restored whole, or rows of it were lost: no sweep can tell what is needed. */
export const chunksForgotten = (image: string): RoomcastError =>
  new RoomcastError(
    "failed",
    `the campus's database has image ${image}, and not the places of its chunks: nothing is removed from the storage`,
    "stop all servers, and restore the database's backup into an empty database",
  );
