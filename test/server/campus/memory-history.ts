/** The sessions that are over at all servers of a campus, in memory. */
import { RoomcastError } from "../../../core/errors.ts";
import type { EndedSession, ToldFilter, ToldSession } from "../../../core/wire/campus.ts";
import type { HistoryTables } from "../../../server/campus/history-tables.ts";

const dayMs = 86_400_000;

export class MemoryHistory implements HistoryTables {
  readonly told = new Map<string, ToldSession>();
  /** In milliseconds since 1970. */
  now = Date.now();
  /** Servers that were heard lately. */
  readonly heard = new Set<string>();
  absence: { readonly since: string; readonly reason: string } | null = null;
  /** How often it was told, and how many of the next tellings are done without an answer. */
  tellings = 0;
  lost = 0;

  async tell(server: string, ended: readonly EndedSession[]): Promise<void> {
    this.requireThere();
    this.tellings++;
    for (const each of ended)
      this.told.set(`${server} ${each.number} ${each.started}`, { ...each, server });
    if (this.lost > 0) {
      this.lost--;
      throw new RoomcastError("away", "the answer was lost", "wait");
    }
  }

  async prune(server: string, days: number, limit: number): Promise<number> {
    this.requireThere();
    const before = new Date(this.now - days * dayMs).toISOString();
    const old = [...this.told].filter(
      ([, each]) => each.ended < before && (each.server === server || !this.heard.has(each.server)),
    );
    for (const [key] of old.slice(0, limit)) this.told.delete(key);
    return Math.min(limit, old.length);
  }

  async list(filter: ToldFilter): Promise<ToldSession[]> {
    this.requireThere();
    const { server, but, room, image, operator, number, limit } = filter;
    const fits = (wanted: unknown, has: unknown): boolean => wanted === null || wanted === has;
    return [...this.told.values()]
      .filter(
        (each) =>
          fits(server, each.server) &&
          each.server !== but &&
          fits(room, each.room) &&
          fits(image, each.image) &&
          fits(operator, each.operator) &&
          fits(number, each.number),
      )
      .sort((one, other) => (one.ended < other.ended ? -1 : 1))
      .slice(-limit);
  }

  away = (): typeof this.absence => this.absence;

  private requireThere(): void {
    if (this.absence !== null) throw new RoomcastError("away", "it is away", "start it");
  }
}
