/** Does what the leases say of rooms that move, and tells who ordered it what came of that. */
import type {
  LeaseAction,
  LeaseEvent,
  RoomLease,
  Standings,
} from "../../core/campus/room-standing.ts";
import { errorText } from "../../core/errors.ts";
import type { MoveView } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { ReadRecord, RoomRecordDocument } from "../../core/wire/room-record.ts";
import { isAway } from "./patience.ts";
import { ownerSilent, roomNotGiven, roomOnItsWay } from "./room-faults.ts";
import { readRecordText, recordText } from "./room-record-text.ts";
import type { Ordered, RoomTables } from "./room-tables.ts";
import type { Seal } from "./seal.ts";

/** Milliseconds that an operator waits for a server to give a room away: four of its beats. */
const orderMs = 20_000;

/** What is in this server's rooms, as the lab has it. Rooms by their names, whatever their capital letters. */
export interface MovingRooms {
  /** Why the room may not leave now, in words; null: it may. */
  refusal(name: string): string | null;
  record(name: string): RoomRecordDocument;
  leave(name: string, to: string): void;
  hasTaken(folded: string, epoch: number): boolean;
  /** Answers what is not as it was, in sentences. `read`: null: nothing was published. */
  take(read: ReadRecord | null, name: string, epoch: number): readonly string[];
}

export interface MoverPorts {
  readonly tables: Pick<RoomTables, "want" | "withdraw" | "refuse" | "give" | "record" | "arrived">;
  readonly server: string;
  readonly seal: Seal | null;
  steady(): number;
  moving(): MovingRooms;
  /** The rooms that are here, by folded name. */
  names(): ReadonlyMap<string, string>;
}

type MoveAction = Exclude<LeaseAction, { readonly type: "ask" | "keep" | "consider" }>;

interface Order {
  readonly name: string;
  until: number;
  ordered: Ordered | null;
  isWithdrawn: boolean;
  report: MoveView;
  readonly over: PromiseWithResolvers<MoveView>;
}

const nothingCame: MoveView = { from: null, told: null, notes: [] };

export class RoomMover {
  private readonly ports: MoverPorts;
  /** By folded name. */
  private readonly orders = new Map<string, Order>();
  private readonly faults = new Map<string, string>();

  constructor(ports: MoverPorts) {
    this.ports = ports;
  }

  /** In words. */
  get warnings(): string[] {
    return [...this.faults.values()];
  }

  /** When an operator waits no longer, by the steady clock. */
  get due(): number {
    return Math.min(Infinity, ...[...this.orders.values()].map(({ until }) => until));
  }

  /** Waits for what comes of it. Rejects with `conflict` where the room is not given, and with `away`. */
  order(name: string): Promise<MoveView> {
    const room = foldedName(name);
    const waiting = this.orders.get(room);
    if (waiting !== undefined) return waiting.over.promise;
    const over = Promise.withResolvers<MoveView>();
    const until = this.ports.steady() + orderMs;
    this.orders.set(room, {
      ...{ name, until, ordered: null, isWithdrawn: false, report: nothingCame, over },
    });
    return over.promise;
  }

  /** Why a room may not leave, in words; null: it may. */
  refusal(room: string): string | null {
    const name = this.ports.names().get(room);
    return name === undefined ? "it is not there" : this.ports.moving().refusal(name);
  }

  async refuse(room: string, move: number, reason: string): Promise<void> {
    await this.ports.tables.refuse(this.ports.server, room, { move, reason });
  }

  /** Answers what follows for the leases. Rejects with `away`. */
  async perform(action: MoveAction): Promise<LeaseEvent[]> {
    const { room } = action;
    try {
      const follows = await this.done(action);
      this.faults.delete(room);
      return follows;
    } catch (error) {
      if (isAway(error)) throw error;
      // The other rooms go on.
      this.faults.set(
        room,
        `the room ${room} waits on its way to another server: ${errorText(error)}`,
      );
      this.end(room, ({ over }) => over.reject(error));
      return [];
    }
  }

  /** The database has answered. */
  settle(standings: Standings, leases: readonly RoomLease[]): void {
    const byRoom = new Map(leases.map((lease) => [lease.room, lease]));
    for (const [room, { name, ordered, isWithdrawn }] of this.orders) {
      if (ordered === null) continue;
      const standing = standings.get(room)?.name;
      if (standing === "owned") this.end(room, ({ over, report }) => over.resolve(report));
      else if (standing !== "coming") {
        const lease = byRoom.get(room);
        const owner = lease?.server ?? null;
        const isAnswered = ordered.kind === "asked" && lease?.order?.move === ordered.move;
        const refusal = isAnswered ? (lease?.order?.refusal ?? null) : null;
        const isSilent = isWithdrawn && refusal === null && owner !== null;
        const fault = isSilent ? ownerSilent(name, owner) : roomNotGiven(name, owner, refusal);
        this.end(room, ({ over }) => over.reject(fault));
      }
    }
  }

  /** Who has waited long enough waits no longer. True: the database was told so. */
  async expire(): Promise<boolean> {
    const { tables, server } = this.ports;
    const now = this.ports.steady();
    let isTold = false;
    for (const [room, order] of this.orders) {
      if (order.until > now) continue;
      const { ordered, name } = order;
      try {
        if (ordered?.kind === "asked" && !order.isWithdrawn) {
          order.isWithdrawn = true;
          order.until = now + orderMs;
          await tables.withdraw(server, room, ordered.move);
          isTold = true;
          continue;
        }
      } catch (error) {
        if (!isAway(error)) throw error;
      }
      this.end(room, ({ over }) => over.reject(roomOnItsWay(name)));
    }
    return isTold;
  }

  close(): void {
    for (const [room, { name }] of this.orders)
      this.end(room, ({ over }) => over.reject(roomOnItsWay(name)));
  }

  private end(room: string, say: (order: Order) => void): void {
    const order = this.orders.get(room);
    this.orders.delete(room);
    if (order !== undefined) say(order);
  }

  private async done(action: MoveAction): Promise<LeaseEvent[]> {
    const { tables, server, names, moving, seal } = this.ports;
    const { room } = action;
    switch (action.type) {
      case "want":
        return await this.want(room);
      case "take-back": {
        const order = this.orders.get(room);
        if (order === undefined) return [];
        order.ordered = { kind: "own" };
        order.report = { ...nothingCame, from: server };
        return [];
      }
      case "give": {
        const name = names().get(room);
        if (name === undefined) return [];
        const record = recordText(moving().record(name), room, seal);
        return asked(await tables.give(server, { ...action, record }));
      }
      case "pass":
        if (moving().hasTaken(room, action.epoch)) return [{ ...action, type: "taken" }];
        return asked(await tables.give(server, { ...action, record: null }));
      case "let-go": {
        const name = names().get(room);
        if (name !== undefined) moving().leave(name, action.to);
        return [{ type: "rooms", rooms: [...names().keys()] }];
      }
      case "take":
        await this.take(room, action.epoch);
        return [{ type: "taken", room, epoch: action.epoch }];
      case "confirm":
        await tables.arrived(server, room, action.epoch);
        return [{ type: "hint" }];
    }
  }

  private async want(room: string): Promise<LeaseEvent[]> {
    const { tables, server } = this.ports;
    const order = this.orders.get(room);
    try {
      const ordered = await tables.want(server, { room, name: order?.name ?? room });
      if (order !== undefined) {
        order.ordered = ordered;
        order.report = { ...nothingCame, from: ordered.kind === "own" ? server : ordered.from };
      }
    } catch (error) {
      // It may have been done all the same: the next answer tells.
      this.end(room, ({ over }) => over.reject(error));
      if (!isAway(error)) throw error;
    }
    return [{ type: "worded", room }];
  }

  private async take(room: string, epoch: number): Promise<void> {
    const { tables, server, seal, moving } = this.ports;
    if (moving().hasTaken(room, epoch)) return;
    const stored = await tables.record(server, room);
    const read = stored === null ? null : readRecordText(stored.record, room, seal);
    const order = this.orders.get(room);
    const name = order?.name ?? read?.record.name ?? room;
    const notes = [...moving().take(read, name, epoch)];
    if (order !== undefined) order.report = { ...order.report, told: stored?.told ?? null, notes };
  }
}

/** What was done is heard of at once; what was not, with the next beat. */
const asked = (isDone: boolean): LeaseEvent[] => (isDone ? [{ type: "hint" }] : []);
