/** The addresses that DHCP has given: the table `leases`. A boot of a whole building is thousands of them. */
import type { DatabaseSync } from "node:sqlite";
import type { WriteBatch } from "./write-batch.ts";

export interface LeaseTable {
  leases(): { mac: string; record: unknown }[];
  /** Resolves when it is durable; rejects when it is not, and it may become so later. */
  saveLease(mac: string, record: unknown): Promise<void>;
  /** Written soon, and after what was saved before; removes nothing but a record that `isMeant`. */
  removeLease(mac: string, isMeant: (record: unknown) => boolean): void;
}

export function sqliteLeases(
  db: DatabaseSync,
  batch: Pick<WriteBatch, "durably" | "soon" | "tryFlush">,
): LeaseTable {
  const all = db.prepare("SELECT mac, record FROM leases");
  const one = db.prepare("SELECT record FROM leases WHERE mac = ?");
  const save = db.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?)");
  const remove = db.prepare("DELETE FROM leases WHERE mac = ?");
  return {
    leases() {
      batch.tryFlush();
      return all.all().map((row) => ({
        mac: String(row.mac),
        record: JSON.parse(String(row.record)),
      }));
    },
    saveLease(mac, record) {
      const text = JSON.stringify(record);
      return batch.durably(`lease ${mac}`, () => void save.run(mac, text));
    },
    removeLease: (mac, isMeant) =>
      // Not in the place of a save that waits: that may be of a record which this leaves alone.
      batch.soon(Symbol(), () => {
        const found = one.get(mac);
        if (found !== undefined && isMeant(JSON.parse(String(found.record)))) remove.run(mac);
      }),
  };
}
