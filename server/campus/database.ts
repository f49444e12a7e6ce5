/**
 * The campus's database. Every call ends within seconds: with its result, or with `away`. While the database
 * is away calls are refused at once, and only the beat asks whether it is back.
 */
import postgres, { type Sql, type TransactionSql } from "postgres";
import { errorText } from "../../core/errors.ts";
import { type DatabaseAddress, type DatabaseSettings, readAddress } from "./database-address.ts";
import { away, faultOf, silent } from "./database-faults.ts";
import { lookAtTables, migrate, requireWritable } from "./database-schema.ts";
import { DatabaseSockets } from "./database-socket.ts";
import { mayBeMended } from "./patience.ts";

/** In milliseconds. */
export interface DatabaseTimes {
  /** A connection that takes longer to be made is given up. */
  readonly connectMs: number;
  /** PostgreSQL itself ends a statement that takes longer. */
  readonly statementMs: number;
  /** Without an answer for so long all connections are given up; longer than `statementMs`. */
  readonly answerMs: number;
  /** Between two beats. */
  readonly beatMs: number;
  /** The same while the database is away. */
  readonly retryMs: number;
}

export const usualDatabaseTimes: DatabaseTimes = {
  connectMs: 3000,
  statementMs: 4000,
  answerMs: 5000,
  beatMs: 5000,
  retryMs: 1000,
};

export interface Away {
  /** ISO 8601, by this server's clock. */
  readonly since: string;
  readonly reason: string;
}

/** What asks the database something. `stir` says that it goes on: it is called between two statements. */
export type Work<T> = (sql: Sql, stir: () => void) => Promise<T>;

/** The same in one transaction. */
export type TransactionWork<T> = (tx: TransactionSql, stir: () => void) => Promise<T>;

/** Whether the tables are made where they are lacking, when the database is opened, or only looked at. */
export type Tables = "make" | "look";

/** What the database's user is told. */
export interface DatabaseUser {
  /** Done every few seconds while the database is there. */
  beat(sql: Sql): Promise<unknown>;
  /** Some server said on the channel what may have changed. A hint: it may come late, or not at all. */
  notified(about: string): void;
  /** The database was reached, for the first time or again. */
  reached(): void;
}

/** The channel on which servers tell each other that something changed. */
export const channel = "roomcast";
/** What they say there. */
export const about = {
  ...{ images: "images", leases: "leases", views: "views" },
  /** These with the name of the server that is meant, and `answer` with the id of the order, behind spaces. */
  ...{ order: "order", answer: "answer" },
  shared: "shared",
  /** With the name of a pack behind a space. */
  lost: "lost",
} as const;

/** A few: statements are short, and so are those who wait for them. */
const poolSize = 4;
/** So that no firewall forgets a connection; in seconds. */
const idleSeconds = 60;
/** Before a broken connection is made again, in seconds: calls wait for it, and the listener tries without end. */
const backoffSeconds = 0.5;
/** How long the end waits for what is asked at the moment, in seconds. */
const endSeconds = 1;

export class Database {
  private readonly address: DatabaseAddress;
  private readonly times: DatabaseTimes;
  private readonly user: DatabaseUser;
  private readonly tables: Tables;
  private readonly sockets: DatabaseSockets;
  private readonly sql: Sql;
  private absence: Away | null;
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private isListening = false;
  private isClosed = false;
  private timer: NodeJS.Timeout | null = null;
  private beating: Promise<void> | null = null;
  private version = 0;

  private constructor(
    address: DatabaseAddress,
    how: { readonly times: DatabaseTimes; readonly tables: Tables },
    user: DatabaseUser,
  ) {
    this.address = address;
    this.times = how.times;
    this.tables = how.tables;
    this.user = user;
    this.sockets = new DatabaseSockets(address, this.times.connectMs);
    this.sql = this.connected();
    this.absence = { since: new Date().toISOString(), reason: "it was not reached yet" };
  }

  /**
   * Resolves also while the database is away, or fails, which `away` tells then. Rejects for settings that are wrong,
   * and with `refused` for the database of a newer roomcast, and for one in which tables are lacking and may not be made.
   */
  static async open(
    settings: DatabaseSettings,
    user: DatabaseUser,
    times: DatabaseTimes = usualDatabaseTimes,
    tables: Tables = "make",
  ): Promise<Database> {
    const database = new Database(await readAddress(settings), { times, tables }, user);
    try {
      await database.reach(true);
      database.isThere();
    } catch (error) {
      if (!mayBeMended(error)) {
        await database[Symbol.asyncDispose]();
        throw error;
      }
    }
    database.scheduleBeat(0);
    return database;
  }

  /** Rejects with `away`, and with what the database says. `doing`: for the message. */
  async run<T>(doing: string, work: Work<T>): Promise<T> {
    // Here, since what the library has in its queue is done later even when its caller was told that it failed.
    while (this.absence === null && this.running >= poolSize) {
      await new Promise<void>((turn) => this.waiting.push(turn));
    }
    if (this.absence !== null) {
      this.waiting.shift()?.();
      throw away(this.address.shown, this.absence.reason);
    }
    this.running++;
    try {
      return await this.attempt(doing, work);
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  /** The same in one transaction: all of it, or nothing. */
  transact<T>(doing: string, work: TransactionWork<T>): Promise<T> {
    return this.run(doing, async (sql, stir) => {
      // The library would wait for what is in an array.
      const done = await sql.begin(async (tx) => ({ value: await work(tx, stir) }));
      return done.value;
    });
  }

  /** Everybody on the way can read and change what goes there. */
  get goesInClear(): boolean {
    return this.address.goesInClear;
  }

  away(): Away | null {
    return this.absence;
  }

  /** Whether there are tables, as it was when the database was reached. */
  get hasTables(): boolean {
    return this.version > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.sql.end({ timeout: endSeconds });
    this.sockets.close();
    await this.beating;
  }

  private connected(): Sql {
    const { user, database, password } = this.address;
    const { connectMs, statementMs, answerMs } = this.times;
    const options: postgres.Options<Record<string, never>> & { socket(): unknown } = {
      // Nothing that matters is left to PG… variables of the environment.
      host: "host" in this.address.target ? this.address.target.host : "localhost",
      port: "port" in this.address.target ? this.address.target.port : 0,
      user,
      database,
      password: () => password,
      ssl: false,
      socket: () => this.sockets.open(),
      // And one for the beat.
      max: poolSize + 1,
      idle_timeout: idleSeconds,
      backoff: () => backoffSeconds,
      connect_timeout: connectMs / 1000,
      fetch_types: false,
      onnotice: () => {},
      connection: {
        application_name: "roomcast",
        // Statements wait for each other's rows, and are not refused for them.
        default_transaction_isolation: "read committed",
        statement_timeout: statementMs,
        // Locks of a server that vanished in the middle of its work.
        idle_in_transaction_session_timeout: 2 * answerMs,
        // The tables grow from nothing to millions of rows while connections live.
        plan_cache_mode: "force_custom_plan",
      },
    };
    return postgres(options);
  }

  /** By a beat it is found out whether it is there: where that fails, it is away, whatever the error. */
  private async attempt<T>(
    doing: string,
    work: Work<T>,
    kind: "call" | "beat" = "call",
  ): Promise<T> {
    const { answerMs } = this.times;
    const silence = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const why = `it did not answer in ${answerMs / 1000} s`;
      silence.reject(silent(why));
      this.setAway(why);
      // All of them: PostgreSQL ends each statement before, so it is the way to it that is broken.
      this.sockets.cut(why);
    }, answerMs);
    const stir = (): void => void timer.refresh();
    try {
      return await Promise.race([work(this.sql, stir), silence.promise]);
    } catch (cause) {
      const fault = faultOf(this.address.shown, doing, cause);
      const reason = fault?.away ?? (kind === "beat" ? errorText(cause) : null);
      if (reason !== null) this.setAway(reason);
      throw fault?.error ?? cause;
    } finally {
      clearTimeout(timer);
    }
  }

  private setAway(reason: string): void {
    const isNew = this.absence === null;
    this.absence = { since: this.absence?.since ?? new Date().toISOString(), reason };
    if (isNew) this.scheduleBeat(0);
  }

  private scheduleBeat(afterMs?: number): void {
    // Who only looks is no server of the campus.
    if (this.isClosed || this.tables === "look") return;
    if (this.timer !== null) clearTimeout(this.timer);
    const { beatMs, retryMs } = this.times;
    this.timer = setTimeout(
      () => {
        // A beat that is under way schedules the next one.
        this.beating ??= this.beat().finally(() => {
          this.beating = null;
          this.scheduleBeat();
        });
      },
      afterMs ?? (this.absence === null ? beatMs : retryMs),
    );
  }

  private async beat(): Promise<void> {
    const wasAway = this.absence !== null;
    try {
      if (wasAway) await this.reach(false);
      await this.attempt("beat", (sql) => this.user.beat(sql), "beat");
    } catch {
      // It is away, and why is known. No server ends by what its database answers.
      return;
    }
    if (wasAway) this.isThere();
  }

  /** Looks whether it can be worked with, and at its tables. `mayBegin`: where there are none, they are made. */
  private async reach(mayBegin: boolean): Promise<void> {
    const work: Work<void> = async (sql, stir) => {
      await requireWritable(sql);
      const isLook = this.tables === "look";
      this.version = await (isLook ? lookAtTables(sql) : migrate(sql, mayBegin, stir));
      if (this.tables === "look") return;
      if (!this.isListening) await this.listen(sql);
    };
    await this.attempt("tables", work, "beat");
  }

  private isThere(): void {
    this.absence = null;
    this.user.reached();
  }

  private async listen(sql: Sql): Promise<void> {
    // The library listens again by itself when this connection breaks.
    this.isListening = true;
    await sql.listen(channel, (about) => this.user.notified(about));
  }
}
