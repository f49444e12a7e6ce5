import { bitAt, clearBit, setBit } from "../units/bits.ts";
import type { Millis } from "../units/units.ts";
import type { ReceiverId } from "./ends.ts";
import type { Entries } from "./entries.ts";
import { type Member, newMember } from "./member.ts";

/** The receivers of a cast: what each of them wants, and for each entry how many want it. */
export class Receivers {
  readonly members = new Map<ReceiverId, Member>();
  /** How many entries a member wants. */
  openCount = 0;
  /** How many members want something. */
  wantingCount = 0;
  /** Changes when an entry can be served that could not be served before. */
  version = 0;
  private readonly entries: Entries;
  private readonly wantedBy: Uint16Array;
  /** Like `wantedBy`, but only of members that are served. */
  private readonly servedTo: Uint16Array;
  private servedCount = 0;
  /** How many entries that a served member wants are known. */
  servableCount = 0;

  constructor(entries: Entries) {
    this.entries = entries;
    this.wantedBy = new Uint16Array(entries.count);
    this.servedTo = new Uint16Array(entries.count);
  }

  /** Whether a served member wants anything. */
  get hasDemand(): boolean {
    return this.servedCount > 0;
  }

  /** How many served members want the entry. */
  demandFor(entryIndex: number): number {
    return this.servedTo[entryIndex] as number;
  }

  /** How many members want the entry, served or not. */
  wantersOf(entryIndex: number): number {
    return this.wantedBy[entryIndex] as number;
  }

  add(id: ReceiverId, now: Millis): Member {
    const member = newMember(id, this.entries.count, now);
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
    const { count, storedLengths } = this.entries;
    if (entry >= count || storedLengths[entry] === 0) return;
    if (bitAt(member.wants, entry)) return;
    setBit(member.wants, entry);
    if (member.wantCount++ === 0) this.wantingCount++;
    if (this.wantedBy[entry] === 0) this.openCount++;
    this.wantedBy[entry] = (this.wantedBy[entry] as number) + 1;
    if (member.isServed) this.serveEntry(entry, 1);
  }

  finish(member: Member, entry: number): void {
    if (!bitAt(member.wants, entry)) return;
    clearBit(member.wants, entry);
    if (--member.wantCount === 0) this.wantingCount--;
    member.finished++;
    this.wantedBy[entry] = (this.wantedBy[entry] as number) - 1;
    if (this.wantedBy[entry] === 0) this.openCount--;
    if (member.isServed) this.serveEntry(entry, -1);
  }

  /** Starts or stops serving the member's wants. */
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

  /** The entry has just been announced. */
  noteKnown(entry: number): void {
    if ((this.servedTo[entry] as number) > 0) this.servableCount++;
    this.version++;
    if (this.entries.storedLengths[entry] !== 0) return;
    for (const member of this.members.values()) this.finish(member, entry);
  }

  private serveEntry(entry: number, change: 1 | -1): void {
    const before = this.servedTo[entry] as number;
    const after = before + change;
    this.servedTo[entry] = after;
    if (before > 0 && after > 0) return;
    this.servedCount += change;
    if (this.entries.isKnown(entry)) this.servableCount += change;
    if (after > 0) this.version++;
  }
}
