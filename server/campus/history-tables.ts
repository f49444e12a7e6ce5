/** The sessions that are over at all servers of a campus, as one of them sees the list. */
import type { EndedSession, ToldFilter, ToldSession } from "../../core/wire/campus.ts";
import type { Away } from "./database.ts";

/** Each call is one transaction, and rejects with `away` while the database is away. */
export interface HistoryTables {
  /** Told again, it is as it was. */
  tell(server: string, ended: readonly EndedSession[]): Promise<void>;
  /** Removes at most `limit` of this server's, and of servers that are gone for as long, that ended before so many days; answers how many. */
  prune(server: string, days: number, limit: number): Promise<number>;
  /** The one that ended last comes last. */
  list(filter: ToldFilter): Promise<ToldSession[]>;
  away(): Away | null;
}
