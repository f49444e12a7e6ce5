import type { PcRecord } from "../state/records.ts";
import type { Admissions } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import type { Presence } from "./presence.ts";
import type { SessionOrders } from "./session-orders.ts";
import type { SessionRunner } from "./session-runner.ts";
import type { Sessions } from "./sessions.ts";
import type { Shells } from "./shells.ts";

export interface ServedPcsPorts {
  readonly inventory: Inventory;
  readonly admissions: Admissions;
  readonly announcer: Announcer;
  readonly presence: Pick<Presence, "reportOf">;
  readonly runner: SessionRunner;
  readonly sessions: Sessions;
  readonly shells: Pick<Shells, "lost">;
  readonly orders: Pick<SessionOrders, "ownFaults">;
  isConnected(pc: string): boolean;
}

/** The connected PCs that the sessions know of: those that may have orders. */
export class ServedPcs {
  private readonly ports: ServedPcsPorts;
  private readonly served = new Set<string>();

  constructor(ports: ServedPcsPorts) {
    this.ports = ports;
  }

  has(pc: string): boolean {
    return this.served.has(pc);
  }

  /** An order from before the server asked for keys names it: that places it, as an order does now. */
  placeIfOrdered(pc: PcRecord): void {
    const { admissions, sessions } = this.ports;
    const session = sessions.idOf(pc.id);
    if (pc.unplaced !== undefined || session === null) return;
    if (admissions.verdict(pc).kind === "places") admissions.place(pc, session);
  }

  /** A restore that is under way in the PC's room takes it in, if it may have orders. */
  placed(pc: PcRecord): void {
    const { admissions, announcer, sessions, orders } = this.ports;
    this.sync(pc.id);
    if (admissions.verdict(pc).kind !== "may") return;
    const session = sessions.restoreIn(pc.room);
    // Most who come were asked for: what else would be looked at costs a look at every member.
    if (session === null || sessions.knows(session, pc.id)) return;
    const fault = orders.ownFaults(session, [pc])[0];
    if (fault === undefined) return sessions.placed(pc);
    announcer.note({ session, pc: pc.id }, `left out: ${fault.what}; ${fault.next}`);
  }

  /** The sessions hear of a PC while it is connected and orders may go to it, and of no other. */
  sync(id: string): void {
    const { inventory, admissions, presence, runner, shells } = this.ports;
    const pc = inventory.get(id);
    const isConnected = pc !== undefined && this.ports.isConnected(id);
    const may = isConnected && admissions.verdict(pc).kind === "may";
    if (may === this.served.has(id)) return;
    if (may) {
      this.served.add(id);
      return runner.connected(id, presence.reportOf(id));
    }
    this.served.delete(id);
    const reason = "orders may not go to this PC any more";
    runner.lost(id, reason);
    shells.lost(id, reason);
  }

  lost(id: string, reason: string): void {
    if (this.served.delete(id)) this.ports.runner.lost(id, reason);
  }
}
