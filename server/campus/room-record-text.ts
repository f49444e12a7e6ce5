/** The record of a room as it lies in the campus's database: sealed where the campus has a key. */
import { RoomcastError } from "../../core/errors.ts";
import {
  type ReadRecord,
  type RoomRecordDocument,
  readRoomRecord,
  roomRecordLimit,
  withoutHostKeys,
} from "../../core/wire/room-record.ts";
import type { Seal } from "./seal.ts";

const sealedStart = "sealed:";

/** Private host keys are in it only when it is sealed. The same record has the same text. */
export function recordText(record: RoomRecordDocument, room: string, seal: Seal | null): string {
  if (seal === null) return JSON.stringify(withoutHostKeys(record));
  const sealed = seal.sealObject(placeOf(room), Buffer.from(JSON.stringify(record)));
  return `${sealedStart}${Buffer.from(sealed).toString("base64")}`;
}

/** Throws `bad-input`, also for one that is not sealed where this server has a key. `room`: its folded name. */
export function readRecordText(text: string, room: string, seal: Seal | null): ReadRecord {
  const what = `the record of the room ${room}`;
  const read = readRoomRecord(plainText(text, { room, seal, what }));
  if (read.ok) return read.value;
  throw new RoomcastError(
    "bad-input",
    `${what} cannot be read: ${read.reason}`,
    "see that all servers of the campus have the same roomcast; the room is not lost, and can be moved to the server that wrote it",
  );
}

function plainText(
  text: string,
  {
    room,
    seal,
    what,
  }: { readonly room: string; readonly seal: Seal | null; readonly what: string },
): string {
  // In base64, and with what a seal adds.
  if (text.length > 2 * roomRecordLimit)
    throw new RoomcastError("bad-input", `${what} is too long`, "move the room's PCs one by one");
  const isSealed = text.startsWith(sealedStart);
  if (seal === null && isSealed)
    throw new RoomcastError(
      "bad-input",
      `${what} is sealed, and this server has no key`,
      "copy the key's file from another server of the campus, and name it with [store] seal",
    );
  if (seal === null) return text;
  const sealed = isSealed
    ? Buffer.from(text.slice(sealedStart.length), "base64")
    : Buffer.from(text);
  return Buffer.from(seal.open({ kind: "object", name: placeOf(room) }, sealed, what)).toString(
    "utf8",
  );
}

/** No image's object has such a name. */
const placeOf = (room: string): string => `room-record/${room}`;
