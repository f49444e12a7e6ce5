import type { PcRecord } from "../state/records.ts";

interface Keys {
  readonly macs: readonly string[];
  readonly address: string | null;
}

/** The PCs by what packets name them by. It holds what each had when it was last put here. */
export class PcIndex {
  private readonly keys = new Map<string, Keys>();
  private readonly byMac = new Map<string, Set<PcRecord>>();
  private readonly byAddress = new Map<string, PcRecord>();

  put(pc: PcRecord): void {
    this.remove(pc.id);
    const keys = { macs: [...pc.macs], address: bareAddress(pc.address ?? null) };
    this.keys.set(pc.id, keys);
    for (const mac of keys.macs) {
      const known = this.byMac.get(mac);
      if (known === undefined) this.byMac.set(mac, new Set([pc]));
      else known.add(pc);
    }
    if (keys.address !== null) this.byAddress.set(keys.address, pc);
  }

  remove(id: string): void {
    const keys = this.keys.get(id);
    if (keys === undefined) return;
    this.keys.delete(id);
    for (const mac of keys.macs) {
      const left = [...(this.byMac.get(mac) ?? [])].filter((pc) => pc.id !== id);
      if (left.length === 0) this.byMac.delete(mac);
      else this.byMac.set(mac, new Set(left));
    }
    if (keys.address !== null && this.byAddress.get(keys.address)?.id === id)
      this.byAddress.delete(keys.address);
  }

  withMac(mac: string): PcRecord[] {
    return [...(this.byMac.get(mac) ?? [])];
  }

  /** Whose own address it is. */
  withAddress(address: string): PcRecord | null {
    return this.byAddress.get(address) ?? null;
  }
}

/** ADDRESS of ADDRESS/LEN. */
export const bareAddress = (address: string | null): string | null =>
  address?.split("/")[0] ?? null;
