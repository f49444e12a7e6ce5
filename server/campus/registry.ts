/** What the servers of a campus share of images, in PostgreSQL. docs/campus.md says why it is as it is. */
import type { Sql } from "postgres";
import { decodeManifest } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { foldedName } from "../../core/wire/names.ts";
import { inOrder } from "../store/image-names.ts";
import { countChange, PgWriter } from "./campus-writer.ts";
import {
  type Away,
  about,
  channel,
  Database,
  type DatabaseTimes,
  type Tables,
  usualDatabaseTimes,
} from "./database.ts";
import type { DatabaseSettings } from "./database-address.ts";
import { batchesOf, imagesOfPack, placesIn } from "./hash-rows.ts";
import type { HistoryTables } from "./history-tables.ts";
import type { OrderTables } from "./order-tables.ts";
import { PgHistoryTables } from "./pg-history-tables.ts";
import { PgOrderTables } from "./pg-order-tables.ts";
import { PgRoomTables } from "./pg-room-tables.ts";
import { PgSharedTables } from "./pg-shared-tables.ts";
import { PgSweepTables } from "./pg-sweep.ts";
import type { CampusImage, CampusPlace, CampusWriter, PackUse, Registry } from "./ports.ts";
import { noSuchImage } from "./registry-faults.ts";
import type { RoomTables } from "./room-tables.ts";
import type { SharedTables } from "./shared-tables.ts";
import { type SweepTables, type SweepTimes, usualTimes } from "./sweep.ts";

export interface RegistryOptions {
  readonly settings: DatabaseSettings;
  /** This server's name: images say which server committed them. */
  readonly server: string;
  /** Told what is odd, and does not stop anything. */
  readonly warn: (text: string) => void;
  readonly times?: DatabaseTimes;
  readonly sweepTimes?: SweepTimes;
  /** By default they are made. */
  readonly tables?: Tables;
}

/** Told what may have changed; null: anything. */
type Listener = (about: string | null) => void;

/** Of changes, as they were last read. */
type Counts = Record<"images" | "shared", string | null>;

interface ImageRow {
  readonly id: string;
  readonly manifest: string;
  readonly server: string;
  readonly notes: string;
}

export class PgRegistry implements Registry {
  private readonly options: RegistryOptions;
  private readonly database: Database;
  private readonly listeners: Set<Listener>;
  /** Ids of this server's writers, which are heard of as long as it lives. */
  private readonly writers: Set<string>;
  /** Of images that cannot be read: each is told once. */
  private readonly warned = new Set<string>();

  private constructor(
    options: RegistryOptions,
    opened: {
      readonly database: Database;
      readonly listeners: Set<Listener>;
      readonly writers: Set<string>;
    },
  ) {
    this.options = options;
    this.database = opened.database;
    this.listeners = opened.listeners;
    this.writers = opened.writers;
  }

  /** Rejects for wrong settings, and with `refused` for the database of a newer roomcast; not for one that is away. */
  static async open(options: RegistryOptions): Promise<PgRegistry> {
    const listeners = new Set<Listener>();
    const writers = new Set<string>();
    const tell: Listener = (what) => {
      for (const listener of listeners) listener(what);
    };
    const known: Counts = { images: null, shared: null };
    const user = {
      beat: async (sql: Sql) => {
        await hear(sql, [...writers]);
        const [counts] = await sql<[Counts]>`
          SELECT (SELECT changes FROM change_count) AS images,
            (SELECT changes FROM shared_count) AS shared`;
        for (const what of ["images", "shared"] as const) {
          if (counts[what] === known[what]) continue;
          known[what] = counts[what];
          tell(about[what]);
        }
      },
      notified: tell,
      reached: () => tell(null),
    };
    const times = options.times ?? usualDatabaseTimes;
    const database = await Database.open(options.settings, user, times, options.tables);
    if (database.goesInClear)
      options.warn("what goes to the campus's database can be read and changed on its way");
    return new PgRegistry(options, { database, listeners, writers });
  }

  /** Of one that only looks: false for a database that is empty so far. */
  get hasTables(): boolean {
    return this.database.hasTables;
  }

  async images(): Promise<CampusImage[]> {
    const rows = await this.database.run(
      "images",
      (sql) => sql<ImageRow[]>`SELECT id, manifest, server, notes FROM image`,
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    return inOrder(rows.flatMap((row) => this.manifestOf(row))).map((manifest) => {
      const { server, notes } = byId.get(manifest.id) as ImageRow;
      return { manifest, server, notes };
    });
  }

  async takeVersion(name: string): Promise<{ readonly name: string; readonly version: number }> {
    const [taken] = await this.database.run(
      "takeVersion",
      (sql) => sql<{ name: string; version: number }[]>`
        INSERT INTO image_name VALUES (${foldedName(name)}, ${name}, 1)
        ON CONFLICT (folded) DO UPDATE SET newest = image_name.newest + 1
        RETURNING name, newest AS version`,
    );
    return taken as { name: string; version: number };
  }

  async beginWriter(): Promise<CampusWriter> {
    const { server } = this.options;
    const [row] = await this.database.run(
      "beginWriter",
      (sql) => sql<{ id: string }[]>`
        INSERT INTO writer (server, began, heard)
        VALUES (${server}, statement_timestamp(), statement_timestamp()) RETURNING id`,
    );
    const { id } = row as { id: string };
    this.writers.add(id);
    return new PgWriter({
      database: this.database,
      server,
      id,
      changed: () => this.changed(),
      ended: () => this.writers.delete(id),
    });
  }

  placesOf(hashes: Uint8Array): Promise<(CampusPlace | null)[]> {
    return this.database.run("placesOf", async (sql, stir) => {
      const places: (CampusPlace | null)[] = [];
      for (const batch of batchesOf(hashes)) {
        stir();
        for (const place of (await placesIn(sql, batch)).places) places.push(place);
      }
      return places;
    });
  }

  packUse(pack: string): Promise<PackUse | null> {
    return this.database.run("packUse", async (sql, stir) => {
      const [row] = await sql<{ id: string; bytes: string }[]>`
        SELECT id, bytes FROM pack WHERE name = decode(${pack}, 'hex') AND state = 'live'`;
      if (row === undefined) return null;
      return { bytes: Number(row.bytes), images: await imagesOfPack(sql, row.id, stir) };
    });
  }

  async tellLost(pack: string): Promise<void> {
    await this.database.run(
      "tellLost",
      (sql) => sql`SELECT pg_notify(${channel}, ${`${about.lost} ${pack}`})`,
    );
  }

  onLost(heard: (pack: string) => void): Disposable {
    return this.listen((what) => {
      const [word, pack = ""] = what?.split(" ") ?? [];
      if (word === about.lost && /^[0-9a-f]{64}$/.test(pack)) heard(pack);
    });
  }

  async removeImage(id: string): Promise<void> {
    // Its fitted versions and the names of their chunks go with it (ON DELETE CASCADE).
    await this.database.transact("removeImage", async (tx) => {
      const removed = await tx`DELETE FROM image WHERE id = ${id}`;
      if (removed.count !== 1) throw noSuchImage(id);
      await countChange(tx);
    });
    this.changed();
  }

  async writeNotes(id: string, notes: string): Promise<void> {
    await this.database.transact("writeNotes", async (tx) => {
      const written = await tx`UPDATE image SET notes = ${notes} WHERE id = ${id}`;
      if (written.count !== 1) throw noSuchImage(id);
      await countChange(tx);
    });
    this.changed();
  }

  onChange(changed: () => void): Disposable {
    return this.listen((what) => {
      if (what === null || what === about.images) changed();
    });
  }

  away(): Away | null {
    return this.database.away();
  }

  /** For the sweep of this server. */
  sweepTables(): SweepTables {
    const { server, sweepTimes = usualTimes } = this.options;
    return new PgSweepTables(this.database, server, sweepTimes);
  }

  /** Servers and rooms, of the same database. */
  roomTables(): RoomTables {
    return new PgRoomTables(this.database, (listener) => this.listen(listener));
  }

  orderTables(): OrderTables {
    return new PgOrderTables(this.database, (listener) => this.listen(listener));
  }

  /** The sessions that are over, of the same database. */
  historyTables(): HistoryTables {
    return new PgHistoryTables(this.database);
  }

  /** What all servers have alike, of the same database. */
  sharedTables(): SharedTables {
    return new PgSharedTables(this.database, (listener) => this.listen(listener));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listeners.clear();
    await this.database[Symbol.asyncDispose]();
  }

  private changed(): void {
    for (const listener of this.listeners) listener(about.images);
  }

  private listen(heard: Listener): Disposable {
    const listener: Listener = (what) => heard(what);
    this.listeners.add(listener);
    return { [Symbol.dispose]: () => void this.listeners.delete(listener) };
  }

  /** None for a manifest that cannot be read: a newer roomcast may have committed it, and the others are of use. */
  private manifestOf({ id, manifest }: ImageRow): Manifest[] {
    const decoded = decodeManifest(manifest);
    if (decoded.ok) return [decoded.value];
    if (!this.warned.has(id)) {
      this.warned.add(id);
      this.options.warn(`image ${id} of the campus cannot be read: ${decoded.reason}`);
    }
    return [];
  }
}

/** A writer in the middle of a transaction is heard of by that. */
async function hear(sql: Sql, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    UPDATE writer SET heard = statement_timestamp() WHERE id IN (
      SELECT id FROM writer WHERE id = ANY(${`{${ids.join(",")}}`}::text::bigint[])
      FOR UPDATE SKIP LOCKED)`;
}
