import type { PcRecord } from "../state/records.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import { RareLine } from "./rare-line.ts";

export interface BootTroublesPorts {
  readonly inventory: Pick<Inventory, "withMac">;
  readonly announcer: Pick<Announcer, "note" | "pc">;
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
}

/** What keeps PCs from booting from the network, as the boot services see it. */
export class BootTroubles {
  private readonly ports: BootTroublesPorts;
  /** By MAC; the boot services end each of them. */
  private readonly texts = new Map<string, string>();
  /** MACs cost nothing to invent. */
  private readonly strangers: RareLine;

  constructor(ports: BootTroublesPorts) {
    this.ports = ports;
    this.strangers = new RareLine(() => ports.now());
  }

  /** `text`: the rest of a sentence about the PC; null: it goes on, or is not heard of any more. */
  tell(mac: string, text: string | null): void {
    const { inventory, announcer } = this.ports;
    const isNew = text !== null && !this.texts.has(mac);
    if (text === null) this.texts.delete(mac);
    else this.texts.set(mac, text);
    const pcs = inventory.withMac(mac);
    for (const { id } of pcs) {
      if (isNew) announcer.note({ pc: id }, text);
      announcer.pc(id);
    }
    const line = isNew && pcs.length === 0 ? this.strangers.take(`${mac} ${text}`) : null;
    if (line !== null) announcer.note({}, line);
  }

  of({ macs }: Pick<PcRecord, "macs">): string | null {
    for (const mac of macs) {
      const text = this.texts.get(mac);
      if (text !== undefined) return text;
    }
    return null;
  }

  /** The PC with this MAC, for people; of one that is not known, the MAC. */
  nameOf(mac: string): string {
    const names = this.ports.inventory.withMac(mac).map(({ name }) => name);
    return names.length === 0 ? mac : `${names.join(" or ")} (${mac})`;
  }
}
