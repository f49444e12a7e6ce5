/** The list of a backup's files, which is written last: a folder without it is no backup. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import { migrations } from "../state/migrations.ts";

export const listName = "backup.json";
/** Of the folder's layout. */
const format = 1;

const BackupList = Type.Object({
  format: Type.Integer({ minimum: 1 }),
  /** The roomcast that made it. */
  roomcast: Type.String(),
  /** Of `state.db`. */
  stateVersion: Type.Integer({ minimum: 0 }),
  /** ISO 8601 UTC */
  madeAt: Type.String(),
  hasChunks: Type.Boolean(),
  /** NAME@VERSION of images some of whose chunks are not in it although it has chunks. */
  incomplete: Type.Array(Type.String()),
  files: Type.Array(
    Type.Object({
      /** Below the folder, without `..`. */
      path: Type.String({ pattern: "^[^/\u0000]+(/[^/\u0000]+)*$" }),
      size: Type.Integer({ minimum: 0 }),
      /** Hexadecimal. */
      sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    }),
  ),
});
export type BackupList = Static<typeof BackupList>;
export type BackupFile = BackupList["files"][number];

export const newList = (list: Omit<BackupList, "format">): BackupList => ({ format, ...list });

/** With the sum of itself. */
export const encodeList = (list: BackupList): string =>
  `${JSON.stringify({ sha256: hexSha256(canonicalJson(list)), list }, null, 1)}\n`;

/** Reads it, and checks each file. Rejects with `bad-input` for what is damaged, unfinished, or of a newer roomcast. */
export async function checkedList(
  folder: string,
  progress: (done: number, total: number) => void,
): Promise<BackupList> {
  const list = await readList(folder);
  const total = list.files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const { path, size, sha256 } of list.files) {
    const found = await sumOf(join(folder, path)).catch((cause: unknown) => {
      throw damaged(folder, `${path} cannot be read: ${errorText(cause)}`);
    });
    if (found.size !== size || found.sha256 !== sha256)
      throw damaged(folder, `${path} is not what was backed up`);
    done += size;
    progress(done, total);
  }
  return list;
}

async function readList(folder: string): Promise<BackupList> {
  let value: { readonly sha256?: unknown; readonly list?: unknown };
  try {
    value = JSON.parse(await readFile(join(folder, listName), "utf8"));
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === "ENOENT"
        ? `${folder} has no ${listName}: it is no backup, or one that was not finished`
        : `${listName} of ${folder} cannot be read: ${errorText(cause)}`;
    throw new RoomcastError("bad-input", why, "name the folder that `roomcast backup` made", {
      cause,
    });
  }
  const { list } = value;
  const madeBy = list as Partial<BackupList> | undefined;
  if (Number(madeBy?.format) > format || Number(madeBy?.stateVersion) > migrations.length) {
    const what = `${folder} was made by a newer roomcast, ${madeBy?.roomcast}`;
    throw new RoomcastError("bad-input", what, "install that version, and restore with it");
  }
  if (!Value.Check(BackupList, list)) throw damaged(folder, `${listName} is not a list of files`);
  if (value.sha256 !== hexSha256(canonicalJson(list)))
    throw damaged(folder, `${listName} is not what was written`);
  if (list.files.some(({ path }) => path.split("/").some((part) => part === "." || part === "..")))
    throw damaged(folder, `${listName} names files outside of the backup`);
  return list;
}

const damaged = (folder: string, why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the backup ${folder} is damaged: ${why}; nothing was changed`,
    "use another backup, or copy this one again from where it came from",
  );

/** Its length and its SHA-256, as it is read now. */
export async function sumOf(
  path: string,
): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const part of createReadStream(path)) {
    hash.update(part as Buffer);
    size += (part as Buffer).length;
  }
  return { size, sha256: hash.digest("hex") };
}
