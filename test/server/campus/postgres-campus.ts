/** Two servers on one database, which many tests have after one another. */
import type { Sql } from "postgres";
import { usualDatabaseTimes } from "../../../server/campus/database.ts";
import { PgRegistry } from "../../../server/campus/registry.ts";
import type { SweepTimes } from "../../../server/campus/sweep.ts";
import { TestPostgres } from "../../postgres.ts";

export class PostgresCampus {
  readonly postgres: TestPostgres;
  readonly registries: readonly PgRegistry[];
  /** Past all that is tested. */
  readonly admin: Sql;

  private constructor(postgres: TestPostgres, registries: readonly PgRegistry[], admin: Sql) {
    this.postgres = postgres;
    this.registries = registries;
    this.admin = admin;
  }

  static async start(sweepTimes?: SweepTimes): Promise<PostgresCampus> {
    const postgres = await TestPostgres.start();
    const database = await postgres.database();
    const registries: PgRegistry[] = [];
    const urls = { one: postgres.url(database), other: postgres.socketUrl(database) };
    for (const [server, url] of Object.entries(urls)) {
      registries.push(
        await PgRegistry.open({
          ...{ settings: { url }, server, warn: () => {} },
          // Beats would be heard at other moments than those of the test.
          times: { ...usualDatabaseTimes, beatMs: 3_600_000 },
          ...(sweepTimes === undefined ? {} : { sweepTimes }),
        }),
      );
    }
    return new PostgresCampus(postgres, registries, postgres.admin(database).sql);
  }

  /** As it was at first. */
  async fresh(): Promise<this> {
    await this.admin.unsafe(`
      TRUNCATE image_name, image, image_chunk, chunk, pack, writer;
      UPDATE sweep_lease SET until = '-infinity'`);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.end();
    for (const registry of this.registries) await registry[Symbol.asyncDispose]();
    await this.postgres[Symbol.asyncDispose]();
  }
}
