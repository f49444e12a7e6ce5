/** The transition tables of the sessions, by the name that the documentation gives them. */

import { proofTable } from "../../core/session/boot-proof.ts";
import { fitTable } from "../../core/session/fitting.ts";
import { senderTable } from "../../core/session/live-state.ts";
import { memberTable } from "../../core/session/member.ts";
import { roomTable } from "../../core/session/receivers.ts";
import { type Table, watchTable } from "../../core/session/table.ts";
import { workerTable } from "../../core/session/worker.ts";

export const tables: Readonly<Record<string, Table<string, string>>> = {
  receiver: memberTable,
  session: roomTable,
  fit: fitTable,
  proof: proofTable,
  worker: workerTable,
  sender: senderTable,
};

/** How many moves the tables have. */
export const moveCount = Object.values(tables)
  .flatMap((table) => Object.values(table))
  .reduce((sum, facts) => sum + Object.keys(facts).length, 0);

/** Counts moves from here on; answers those that have not been made, each as `table: phase fact`. */
export function watchTables(): () => string[] {
  const watched = Object.entries(tables).map(([name, table]) => [name, watchTable(table)] as const);
  return () => watched.flatMap(([name, untaken]) => untaken().map((each) => `${name}: ${each}`));
}
