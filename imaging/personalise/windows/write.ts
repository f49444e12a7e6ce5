/** How files get onto the volume: whole, or not at all, and no more open than they were. */
import { createHash } from "node:crypto";
import { lstat, open, readFile, rename, rm } from "node:fs/promises";
import { RoomcastError } from "../../../core/errors.ts";
import { dropCache, putAttribute } from "../../../core/node/disk-calls.ts";

/**
 * [MS-DTYP] 2.4.6, relative to itself: owner and group are the administrators; the access list is not
 * inherited, and lets the system and the administrators do everything and others nothing. NTFS-3G would
 * let everybody do everything, and what is written here is run as administrator, or is a secret.
 */
function descriptor(inheritance: number): Uint8Array {
  const administrators = "01020000000000052000000020020000";
  const system = "010100000000000512000000";
  const entry = (sid: string): string => {
    const size = (8 + sid.length / 2).toString(16).padStart(2, "0");
    return `00${inheritance.toString(16).padStart(2, "0")}${size}00ff011f00${sid}`;
  };
  const list = `0200340002000000${entry(system)}${entry(administrators)}`;
  const head = "0100049048000000580000000000000014000000";
  return Buffer.from(head + list + administrators + administrators, "hex");
}

/** OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE: what is made in a folder is as it is. */
const forAllInIt = 3;

/** Lets administrators alone into a folder. */
export async function closeFolder(path: string): Promise<void> {
  await setDescriptor(path, descriptor(forAllInIt));
}

/** Lets administrators alone at a file that is there. */
export async function closeFile(path: string): Promise<void> {
  await setDescriptor(path, descriptor(0));
}

async function setDescriptor(path: string, value: Uint8Array): Promise<void> {
  await using file = await open(path);
  const errno = await putAttribute(file.fd, "system.ntfs_acl", value);
  if (errno === 0) return;
  const what = `its access list could not be set (errno ${errno})`;
  throw new RoomcastError(
    "failed",
    what,
    "let Windows check the volume on the master (`chkdsk /f`)",
  );
}

/** What a file is to be: told before it is written, to be held against what came. */
export interface Expected {
  readonly size: number;
  readonly sha256: string;
}

export const expectedOf = (content: Uint8Array): Expected => ({
  size: content.length,
  sha256: createHash("sha256").update(content).digest("hex"),
});

/**
 * Makes a file of what comes, for administrators alone, or puts it in place of the one that is there.
 * Answers false, and takes nothing, when that is the same already. Rejects with `failed` at another content
 * than was expected; then, and when there is no room, all is as before.
 */
export async function putFile(
  path: string,
  expected: Expected,
  content: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if (await isSame(path, expected)) return false;
  const beside = `${path}.roomcast`;
  try {
    const hash = createHash("sha256");
    let size = 0;
    {
      await using file = await open(beside, "w");
      for await (const piece of content()) {
        size += piece.length;
        if (size > expected.size) break;
        hash.update(piece);
        await file.writeFile(piece);
      }
      await file.sync();
    }
    if (size !== expected.size || hash.digest("hex") !== expected.sha256)
      throw new RoomcastError(
        "failed",
        "another content came than was announced",
        "restore it again",
      );
    await setDescriptor(beside, descriptor(0));
    await rename(beside, path);
    return true;
  } catch (error) {
    await rm(beside, { force: true });
    throw roomless(error);
  }
}

async function isSame(path: string, { size, sha256 }: Expected): Promise<boolean> {
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size !== size) return false;
  const hash = createHash("sha256");
  await using file = await open(path);
  for await (const piece of file.createReadStream({ autoClose: false })) hash.update(piece);
  return hash.digest("hex") === sha256;
}

/** Windows writes its hives by pages of this size. */
const pageBytes = 4096;

/**
 * Changes a file where it lies, so that its owner, access list and other names stay: what is beyond its
 * old end first, for which there may be no room, then the pages that differ. It is read back; when it is
 * not right, or could not be written, the old content is put back.
 */
export async function rewriteFile(path: string, old: Uint8Array, now: Uint8Array): Promise<void> {
  await using file = await open(path, "r+");
  const pages = (content: Uint8Array, other: Uint8Array): number[] =>
    Array.from({ length: Math.ceil(content.length / pageBytes) }, (_, index) => index * pageBytes)
      .filter((at) => !isEqual(pageAt(content, at), pageAt(other, at)))
      .sort((a, b) => Number(b >= old.length) - Number(a >= old.length));
  const write = async (content: Uint8Array, other: Uint8Array): Promise<void> => {
    for (const at of pages(content, other)) {
      const page = pageAt(content, at);
      for (let done = 0; done < page.length; )
        done += (await file.write(page, done, page.length - done, at + done)).bytesWritten;
    }
    await file.sync();
  };
  try {
    await write(now, old);
    await dropCache(file.fd, 0, 0);
    if (!isEqual(await readFile(path), now))
      throw new RoomcastError("failed", "it reads back wrong", "see whether the disk is sound");
  } catch (error) {
    await write(old, now);
    await file.truncate(old.length);
    await file.sync();
    throw roomless(error);
  }
}

const pageAt = (content: Uint8Array, at: number): Uint8Array =>
  content.subarray(at, at + pageBytes);
const isEqual = (some: Uint8Array, other: Uint8Array): boolean => Buffer.compare(some, other) === 0;

/** A full volume, in words. */
function roomless(error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== "ENOSPC") return error;
  const next = "make room on the master, or let the partition grow (`room set R --grow`)";
  return new RoomcastError("failed", "the volume is full", next, { cause: error });
}
