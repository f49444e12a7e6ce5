/** Which grants hold, and who is given one for what needs no order. */

import type { Grant, ViewRole } from "../../core/trust/grant.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { PcRecord } from "../state/records.ts";

/** A person looks at a list, or at the network, for less than this, in milliseconds. */
const viewGrantFor = 300_000;
/** A PC that nobody has placed may have the network checked once in this time, in milliseconds. */
const strangerCheckEvery = 60_000;
/** Of so many of them it is remembered when that was. */
const checksLimit = 1024;

export interface LabGrantsPorts {
  /** Milliseconds of the lab's time. */
  now(): number;
  pc(id: string): PcRecord | undefined;
  isConnected(id: string): boolean;
  /** Whether nothing but waiting and asking is left to who is at this PC. */
  isMenuLocked(pc: PcRecord): boolean;
  /** An operator has placed the PC. */
  isPlaced(pc: PcRecord): boolean;
  /** The attempt that is wanted of the PC by this session now; null: nothing is. */
  attemptOf(session: string, pc: string): number | null;
  /** The text of a grant, which a PC shows with its requests. */
  seal(grant: Grant): string;
}

export class LabGrants {
  private readonly ports: LabGrantsPorts;
  /** When PCs that nobody has placed were last given a grant to check the network, the oldest first. */
  private readonly checks = new Map<string, number>();

  constructor(ports: LabGrantsPorts) {
    this.ports = ports;
  }

  /**
   * Whether the PC may still do what the grant, which this server has sealed, was given for. One to work holds
   * while its attempt is wanted, so that there is nothing to revoke; all orders of an attempt give the same.
   */
  holds(grant: Grant): boolean {
    const { now, pc: pcOf, isConnected, attemptOf } = this.ports;
    if (!("until" in grant)) return attemptOf(grant.session, grant.pc) === grant.attempt;
    const { role, pc, until, object } = grant;
    const isInTime = now() < until && isConnected(pc);
    return isInTime && (role !== "targets" || pcOf(pc)?.room === object);
  }

  /** The answer to a PC that asks for a grant to look at something. */
  answer(id: string, view: ViewRole): ServerMessage {
    const { now, seal } = this.ports;
    const pc = this.ports.pc(id);
    const reason = pc === undefined ? "this PC was forgotten" : this.refusalOf(pc, view);
    if (pc === undefined || reason !== null) return { type: "grant", view, grant: null, reason };
    const object = view === "targets" ? pc.room : "";
    if (view === "check" && !this.ports.isPlaced(pc)) this.remember(id);
    const until = Math.ceil(now() + viewGrantFor);
    const grant = seal({ role: view, pc: id, until, object });
    return { type: "grant", view, grant, reason: null };
  }

  private tooSoon(id: string): string | null {
    const { now } = this.ports;
    const nextAt = (this.checks.get(id) ?? Number.NEGATIVE_INFINITY) + strangerCheckEvery;
    if (now() >= nextAt) return null;
    return `the network was checked here a moment ago; again in ${Math.ceil((nextAt - now()) / 1000)} s`;
  }

  private remember(id: string): void {
    this.checks.delete(id);
    makeRoom(this.checks, checksLimit);
    this.checks.set(id, this.ports.now());
  }

  /** Why the PC may not look at that, in words; null: it may. */
  private refusalOf(pc: PcRecord, view: ViewRole): string | null {
    if (view === "check") return this.ports.isPlaced(pc) ? null : this.tooSoon(pc.id);
    if (pc.doubt !== undefined)
      return "it is not known for sure which PC this is: an operator has to say";
    if (!this.ports.isPlaced(pc)) return "nobody has placed this PC yet";
    return this.ports.isMenuLocked(pc) ? "the menu is locked: type the room's PIN first" : null;
  }
}
