/** The list of what all servers of a campus have alike, as one of them sees it. */
import type { SharedEntry } from "../../core/campus/shared-list.ts";
import type { Away } from "./database.ts";

/** Each call is one transaction, and rejects with `away` while the database is away. */
export interface SharedTables {
  /** What was written after the change `changed` (0: all), and the newest change of it. */
  writtenAfter(changed: number): Promise<{ entries: SharedEntry[]; changed: number }>;
  /** Writes what somebody changes here, as `written` says; false: it was refused. Done again, nothing changes. */
  write(entry: SharedEntry): Promise<boolean>;
  /** Writes what the list lacks, as `written` says, in this order; what is refused is left out. */
  handOn(entries: readonly SharedEntry[]): Promise<void>;
  /** Something may have been written; `isThereAgain`: the database was reached, and may be another one. */
  onHint(hint: (isThereAgain: boolean) => void): Disposable;
  away(): Away | null;
}
