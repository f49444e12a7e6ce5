/** Two servers on one database, which many tests have after one another. */
import type { Sql } from "postgres";
import { usualDatabaseTimes } from "../../../server/campus/database.ts";
import { PgRegistry } from "../../../server/campus/registry.ts";
import { type SweepTimes, usualTimes } from "../../../server/campus/sweep.ts";
import { TestPostgres } from "../../postgres.ts";

export class PostgresCampus {
  readonly postgres: TestPostgres;
  readonly registries: readonly PgRegistry[];
  /** Past all that is tested. */
  readonly admin: Sql;

  private readonly database: string;

  private constructor(postgres: TestPostgres, registries: readonly PgRegistry[], database: string) {
    this.postgres = postgres;
    this.registries = registries;
    this.database = database;
    this.admin = postgres.admin(database).sql;
  }

  static async start(sweepTimes?: SweepTimes): Promise<PostgresCampus> {
    const postgres = await TestPostgres.start();
    const database = await postgres.database();
    const urls = { one: postgres.url(database), other: postgres.socketUrl(database) };
    const registries = await Promise.all(
      Object.entries(urls).map(([server, url]) => open(server, url, sweepTimes)),
    );
    return new PostgresCampus(postgres, registries, database);
  }

  /** One more. */
  server(name: string, sweepTimes: SweepTimes): Promise<PgRegistry> {
    return open(name, this.postgres.url(this.database), sweepTimes);
  }

  /** As it was at first. */
  async fresh(): Promise<this> {
    await this.admin.unsafe(`
      TRUNCATE image_name, image, image_chunk, chunk, pack, writer, server, room, room_view,
        campus_order, room_record, campus_history, shared;
      UPDATE sweep_lease SET until = '-infinity'`);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.end();
    for (const registry of this.registries) await registry[Symbol.asyncDispose]();
    await this.postgres[Symbol.asyncDispose]();
  }
}

const open = (
  server: string,
  url: string,
  sweepTimes: SweepTimes = usualTimes,
): Promise<PgRegistry> =>
  PgRegistry.open({
    ...{ settings: { url }, server, warn: () => {}, sweepTimes },
    // Beats would be heard at other moments than those of the test.
    times: { ...usualDatabaseTimes, beatMs: 3_600_000 },
  });
