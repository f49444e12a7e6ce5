/** This server's part in the list of all sessions that are over: it tells its own, and reads the others'. */
import { errorText } from "../../core/errors.ts";
import type { EndedSession, ToldFilter, ToldSession } from "../../core/wire/campus.ts";
import type { HistoryTables } from "./history-tables.ts";
import { Nap } from "./nap.ts";
import { type CampusTime, isAway } from "./patience.ts";

/** Sessions that are told at once. */
const batch = 100;
/** Milliseconds until it is tried again while the database is away, and between two looks for what was missed. */
const againMs = 30_000;
/** Between two times that what is too old is removed, in milliseconds. */
const pruneEvery = 24 * 60 * 60_000;
/** Entries that one answer has at most: those of this server come on top. */
const pageLimit = 1000;

/** The sessions of this server that are over, as the lab has them. */
export interface OwnEnded {
  untold(limit: number): EndedSession[];
  told(ended: readonly EndedSession[]): void;
}

export interface CampusHistoryPorts {
  readonly tables: HistoryTables;
  readonly server: string;
  readonly time: CampusTime;
}

export class CampusHistory {
  private readonly ports: CampusHistoryPorts;
  private readonly closing = new AbortController();
  private readonly nap: Nap;
  private trouble: string | null = null;
  private pruneAt = 0;
  private running: Promise<void> = Promise.resolve();

  constructor(ports: CampusHistoryPorts) {
    this.ports = ports;
    const { time } = ports;
    this.nap = new Nap(time, () => time.now());
  }

  get server(): string {
    return this.ports.server;
  }

  /** In words. */
  get warnings(): string[] {
    return this.trouble === null ? [] : [`history of the campus: ${this.trouble}`];
  }

  begin(own: OwnEnded, keepDays: number): void {
    this.running = this.run(own, keepDays);
  }

  /** A session is over. */
  wake(): void {
    this.nap.wake();
  }

  /** None while the database is away. */
  async list(filter: ToldFilter): Promise<ToldSession[]> {
    const limit = Math.min(filter.limit, pageLimit);
    try {
      return await this.ports.tables.list({ ...filter, limit });
    } catch (error) {
      if (isAway(error)) return [];
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.nap.wake();
    await this.running;
  }

  private async run(own: OwnEnded, keepDays: number): Promise<void> {
    while (!this.closing.signal.aborted) {
      try {
        await this.tell(own);
        await this.prune(keepDays);
        this.trouble = null;
      } catch (error) {
        this.trouble = isAway(error) ? null : errorText(error);
      }
      await this.nap.until(this.ports.time.now() + againMs);
    }
  }

  /** What was told and is not marked as that is told again, which changes nothing. */
  private async tell(own: OwnEnded): Promise<void> {
    const { tables, server } = this.ports;
    while (!this.closing.signal.aborted && tables.away() === null) {
      const ended = own.untold(batch);
      if (ended.length === 0) return;
      await tables.tell(server, ended);
      own.told(ended);
    }
  }

  private async prune(keepDays: number): Promise<void> {
    const { tables, server, time } = this.ports;
    if (time.now() < this.pruneAt || tables.away() !== null) return;
    while (!this.closing.signal.aborted) {
      if ((await tables.prune(server, keepDays, pageLimit)) < pageLimit) break;
    }
    this.pruneAt = time.now() + pruneEvery;
  }
}
