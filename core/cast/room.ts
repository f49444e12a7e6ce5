import type { Millis } from "../units/units.ts";
import { bitAt, clearBit, setBit } from "./bits.ts";
import type { ReceiverId } from "./handles.ts";
import { type Member, newMember } from "./member.ts";

/** Who wants what: the members of a cast, and for each entry how many want it. */
export class Room {
  readonly members = new Map<ReceiverId, Member>();
  /** Entries that someone wants. */
  openCount = 0;
  /** Changes when an entry is wanted that was not. */
  version = 0;
  private readonly storedLengths: Uint32Array;
  private readonly wantedBy: Uint16Array;
  /** As `wantedBy`, by members that are served. */
  private readonly servedTo: Uint16Array;
  private servedCount = 0;

  constructor(storedLengths: Uint32Array) {
    this.storedLengths = storedLengths;
    this.wantedBy = new Uint16Array(storedLengths.length);
    this.servedTo = new Uint16Array(storedLengths.length);
  }

  get entryCount(): number {
    return this.storedLengths.length;
  }

  /** Whether an entry is wanted by a member that is served. */
  get hasDemand(): boolean {
    return this.servedCount > 0;
  }

  /** How many members that are served want it. */
  demandFor(entryIndex: number): number {
    return this.servedTo[entryIndex] as number;
  }

  add(id: ReceiverId, now: Millis): Member {
    const member = newMember(id, this.entryCount, now);
    this.members.set(id, member);
    return member;
  }

  remove(member: Member): void {
    this.setWants(member, new Uint8Array(member.wants.length));
    this.members.delete(member.id);
  }

  /** Replaces what the member wants. Bits beyond the image, and entries without bytes, are not counted. */
  setWants(member: Member, wants: Uint8Array): void {
    for (let byte = 0; byte < member.wants.length; byte++) {
      const changed = ((wants[byte] ?? 0) ^ (member.wants[byte] as number)) & 0xff;
      if (changed === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        if ((changed & (1 << bit)) === 0) continue;
        const entry = byte * 8 + bit;
        if (bitAt(member.wants, entry)) this.finish(member, entry);
        else this.want(member, entry);
      }
    }
  }

  want(member: Member, entry: number): void {
    if (entry >= this.entryCount || this.storedLengths[entry] === 0) return;
    if (bitAt(member.wants, entry)) return;
    setBit(member.wants, entry);
    member.wantCount++;
    if (this.wantedBy[entry] === 0) this.openCount++;
    this.wantedBy[entry] = (this.wantedBy[entry] as number) + 1;
    if (member.isServed) this.serveEntry(entry, 1);
  }

  finish(member: Member, entry: number): void {
    if (!bitAt(member.wants, entry)) return;
    clearBit(member.wants, entry);
    member.wantCount--;
    this.wantedBy[entry] = (this.wantedBy[entry] as number) - 1;
    if (this.wantedBy[entry] === 0) this.openCount--;
    if (member.isServed) this.serveEntry(entry, -1);
  }

  /** From now on, or no longer, the member's wants are served. */
  setServed(member: Member, isServed: boolean): void {
    if (member.isServed === isServed) return;
    member.isServed = isServed;
    for (let byte = 0; byte < member.wants.length; byte++) {
      if (member.wants[byte] === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        if (bitAt(member.wants, byte * 8 + bit)) this.serveEntry(byte * 8 + bit, isServed ? 1 : -1);
      }
    }
  }

  private serveEntry(entry: number, change: 1 | -1): void {
    const before = this.servedTo[entry] as number;
    this.servedTo[entry] = before + change;
    if (before === 0) {
      this.servedCount++;
      this.version++;
    }
    if (before + change === 0) this.servedCount--;
  }
}
