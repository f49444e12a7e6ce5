import { makeRoom } from "../../core/units/make-room.ts";
import type { PcRecord } from "../state/records.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";

/** MACs cost nothing to invent: so many of PCs that nobody knows are written into the history in this time. */
const strangersLimit = 20;
const strangersMs = 3_600_000;
/** A PC's own troubles are written down once in this time: packets with its MAC cost nothing, either. */
const againMs = 900_000;
/** PCs of which something is told at once: more than four networks' boot services follow. */
const toldLimit = 4096;

export interface BootTroublesPorts {
  readonly inventory: Pick<Inventory, "withMac">;
  readonly announcer: Pick<Announcer, "note" | "pc">;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
}

/** What keeps PCs from booting from the network, as the boot services see it. */
export class BootTroubles {
  private readonly ports: BootTroublesPorts;
  /** By MAC, what each network's boot services say of it; they take back each of them. */
  private readonly told = new Map<string, Map<string, string>>();
  /** When strangers were written down. */
  private notedAt: number[] = [];
  /** When a PC's trouble was written down, by its id. */
  private readonly notedOf = new Map<string, number>();

  constructor(ports: BootTroublesPorts) {
    this.ports = ports;
  }

  /**
   * `network`: the interface whose boot services say it. `text`: the rest of a sentence about the PC; null: it goes
   * on, or is not heard of there any more.
   */
  tell(network: string, mac: string, text: string | null): void {
    const { inventory, announcer } = this.ports;
    const before = this.told.get(mac);
    const isNew = text !== null && before === undefined;
    const texts = new Map(before);
    texts.delete(network);
    if (text !== null) texts.set(network, text);
    this.told.delete(mac);
    if (texts.size > 0) {
      makeRoom(this.told, toldLimit);
      this.told.set(mac, texts);
    }
    const pcs = inventory.withMac(mac);
    for (const { id } of pcs) {
      if (isNew && this.mayNote(id)) announcer.note({ pc: id }, text);
      announcer.pc(id);
    }
    if (isNew && pcs.length === 0 && this.mayNoteStranger()) announcer.note({}, `${mac} ${text}`);
  }

  /** What was told of it last, and is not taken back. */
  of({ macs }: Pick<PcRecord, "macs">): string | null {
    return macs.flatMap((mac) => [...(this.told.get(mac)?.values() ?? [])].at(-1) ?? [])[0] ?? null;
  }

  private mayNote(pc: string): boolean {
    const now = this.ports.now();
    if (now - (this.notedOf.get(pc) ?? Number.NEGATIVE_INFINITY) < againMs) return false;
    this.notedOf.delete(pc);
    makeRoom(this.notedOf, toldLimit);
    this.notedOf.set(pc, now);
    return true;
  }

  private mayNoteStranger(): boolean {
    const now = this.ports.now();
    this.notedAt = this.notedAt.filter((at) => now - at < strangersMs);
    if (this.notedAt.length >= strangersLimit) return false;
    this.notedAt.push(now);
    return true;
  }

  /** The PC with this MAC, for people; of one that is not known, the MAC. */
  nameOf(mac: string): string {
    const names = this.ports.inventory.withMac(mac).map(({ name }) => name);
    return names.length === 0 ? mac : `${names.join(" or ")} (${mac})`;
  }
}
