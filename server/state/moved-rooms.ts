/** Rooms that move between the servers of a campus: all that is in one comes or goes in one transaction. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { MovedRoom, RoomMoveRecord } from "./records.ts";
import type { WriteBatch } from "./write-batch.ts";

/** Rooms of which it is remembered where they went: more than a server has. */
const wentLimit = 100;

export interface MoveStore {
  /** By the rooms' folded names. */
  roomMoves(): Map<string, RoomMoveRecord>;
  /** What is removed goes first. Of rooms that went long ago it is forgotten where they went. */
  moveRoom(moved: MovedRoom): void;
}

export function sqliteMoves(db: DatabaseSync, batch: Pick<WriteBatch, "now">): MoveStore {
  const all = db.prepare("SELECT room, record FROM room_moves ORDER BY rowid");
  const run = (sql: string): ((...values: SQLInputValue[]) => void) => {
    const statement = db.prepare(sql);
    return (...values) => void statement.run(...values);
  };
  const remove = {
    room: run("DELETE FROM rooms WHERE name = ?"),
    pc: run("DELETE FROM pcs WHERE id = ?"),
    hostKeys: run("DELETE FROM host_keys WHERE pc = ?"),
    key: run("DELETE FROM keys WHERE fingerprint = ?"),
    schedule: run("DELETE FROM schedule WHERE id = ?"),
    move: run("DELETE FROM room_moves WHERE room = ?"),
    oldMoves: run(`DELETE FROM room_moves WHERE record ->> '$.name' = 'went' AND rowid NOT IN (
      SELECT rowid FROM room_moves WHERE record ->> '$.name' = 'went'
      ORDER BY rowid DESC LIMIT ${wentLimit})`),
  };
  const save = {
    room: run("INSERT OR REPLACE INTO rooms (name, record) VALUES (?, ?)"),
    pc: run("INSERT OR REPLACE INTO pcs VALUES (?, ?)"),
    hostKeys: run("INSERT OR REPLACE INTO host_keys VALUES (?, ?)"),
    key: run("INSERT OR REPLACE INTO keys VALUES (?, ?)"),
    schedule: run("INSERT OR REPLACE INTO schedule VALUES (?, ?)"),
    move: run("INSERT INTO room_moves VALUES (?, ?)"),
  };
  return {
    roomMoves: () =>
      new Map(all.all().map((row) => [String(row.room), JSON.parse(String(row.record))])),
    moveRoom: ({ folded, move, removed, saved }) =>
      batch.now(() => {
        if (removed.room !== null) remove.room(removed.room);
        for (const pc of removed.pcs) {
          remove.pc(pc);
          remove.hostKeys(pc);
        }
        for (const key of removed.keys) remove.key(key);
        for (const id of removed.schedules) remove.schedule(id);
        const { room, pcs, keys, hostKeys, schedules } = saved;
        if (room !== null) save.room(room.name, JSON.stringify(room));
        for (const pc of pcs) save.pc(pc.id, JSON.stringify(pc));
        for (const key of keys) save.key(key.fingerprint, JSON.stringify(key));
        for (const { pc, keys: own } of hostKeys) save.hostKeys(pc, JSON.stringify(own));
        for (const schedule of schedules) save.schedule(schedule.id, JSON.stringify(schedule));
        // Anew, so that it is the newest.
        remove.move(folded);
        save.move(folded, JSON.stringify(move));
        remove.oldMoves();
      }),
  };
}
