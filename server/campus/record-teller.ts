/** Publishes what is in this server's rooms, for the case that it is off for good: at rest, after some seconds. */
import type { Standings } from "../../core/campus/room-standing.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import type { RoomTables } from "./room-tables.ts";

/** Milliseconds without a change until a record is published: 500 PCs that come cost a few. */
const restMs = 5000;
/** While there is always a change, so often. */
const longestMs = 60_000;

export interface RecordTellerPorts {
  readonly tables: Pick<RoomTables, "publishRecord">;
  readonly server: string;
  steady(): number;
  /** As it lies in the database; null: the room is not here any more. By folded name. */
  record(room: string): string | null;
  standings(): Standings;
}

export class RecordTeller {
  private readonly ports: RecordTellerPorts;
  /** When something of a room changed first and last since it was told, by folded name. */
  private readonly untold = new Map<string, { readonly first: number; readonly last: number }>();
  /** What was told last, as a hash: a record may have megabytes. */
  private readonly told = new Map<string, string>();

  constructor(ports: RecordTellerPorts) {
    this.ports = ports;
  }

  /** When there is something to tell, by the steady clock. */
  get due(): number {
    return Math.min(Infinity, ...[...this.untold.values()].map(dueOf));
  }

  changed(room: string): void {
    const last = this.ports.steady();
    this.untold.set(room, { first: this.untold.get(room)?.first ?? last, last });
  }

  /** What was told of it counts no more. */
  forget(room: string): void {
    this.told.delete(room);
    this.changed(room);
  }

  async tell(): Promise<void> {
    const now = this.ports.steady();
    for (const [room, times] of this.untold) {
      if (dueOf(times) > now) continue;
      this.untold.delete(room);
      try {
        await this.publish(room);
      } catch (error) {
        this.untold.set(room, { first: now, last: now });
        throw error;
      }
    }
  }

  private async publish(room: string): Promise<void> {
    const { tables, server, record, standings } = this.ports;
    const standing = standings().get(room);
    if (standing?.name !== "owned") return void this.told.delete(room);
    const text = record(room);
    if (text === null) return void this.told.delete(room);
    const hash = hexSha256(text);
    if (this.told.get(room) === hash) return;
    await tables.publishRecord(server, { room, epoch: standing.epoch, record: text });
    this.told.set(room, hash);
  }
}

const dueOf = ({ first, last }: { readonly first: number; readonly last: number }): number =>
  Math.min(last + restMs, first + longestMs);
