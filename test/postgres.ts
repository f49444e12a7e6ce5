/** A PostgreSQL of a test's own: Debian's, in a folder of its own, on a socket and a port of the loopback. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres, { type Sql } from "postgres";
import { freePort } from "./free-port.ts";

/** Debian keeps the programs of each major version in a folder of its own. */
const programs = globSync("/usr/lib/postgresql/*/bin").sort().at(-1) ?? "";
/** PostgreSQL refuses to run as root. */
const owner = process.getuid?.() === 0 ? idsOf("postgres") : {};
const startTries = 200;

/** Everybody may connect, but `secret`, who needs a password. */
const accessRules = `local all all trust
host all secret all scram-sha-256
host all all all trust
`;

export class TestPostgres {
  /** Of the socket, too. */
  readonly folder: string;
  readonly port: number;
  private readonly settings: readonly string[];
  private server: ChildProcess | null = null;
  private databaseCount = 0;

  private constructor(folder: string, port: number, settings: readonly string[]) {
    this.folder = folder;
    this.port = port;
    this.settings = settings;
  }

  /** `settings`: further ones, as `max_connections=200`. */
  static async start(settings: readonly string[] = []): Promise<TestPostgres> {
    assert.notEqual(programs, "", "PostgreSQL is not installed: make packages");
    const folder = mkdtempSync(join(tmpdir(), "roomcast-postgres-"));
    if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
    const data = join(folder, "data");
    const made = spawnSync(
      join(programs, "initdb"),
      ["-D", data, "-U", "roomcast", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
      { ...owner, encoding: "utf8", cwd: folder },
    );
    assert.equal(made.status, 0, made.stderr);
    writeFileSync(join(data, "pg_hba.conf"), accessRules);
    const started = new TestPostgres(folder, await freePort(), settings);
    await started.up();
    return started;
  }

  /** Starts it, again after `kill`. Resolves when it answers. */
  async up(): Promise<void> {
    for (let left = startTries; left > 0; left--) {
      // What a killed one left may still be there for a moment: then it ends at once, and is started again.
      if (this.server === null || this.server.exitCode !== null) this.server = this.spawned();
      if (await this.answers()) return;
      await sleep(50);
    }
    throw new Error("PostgreSQL does not come up");
  }

  /** Of the process that the others are children of. */
  get pid(): number {
    assert(this.server?.pid !== undefined, "PostgreSQL runs");
    return this.server.pid;
  }

  /** As when the power of its host fails, but for what the disk would lose. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Lets it speak TLS. The files, in PEM, are copied. */
  async secure(certificate: string, key: string): Promise<void> {
    const data = join(this.folder, "data");
    copyToOwner(certificate, join(data, "server.crt"));
    copyToOwner(key, join(data, "server.key"));
    await using admin = this.admin("postgres");
    await admin.sql.unsafe("ALTER SYSTEM SET ssl = on");
    await admin.sql`SELECT pg_reload_conf()`;
  }

  /** By its port. */
  url(database: string, port = this.port): string {
    return `postgres://roomcast@127.0.0.1:${port}/${database}`;
  }

  /** By its socket. */
  socketUrl(database: string): string {
    return `postgres:///${database}?host=${this.folder}&port=${this.port}&user=roomcast`;
  }

  /** A new, empty database: its name. */
  async database(): Promise<string> {
    const name = `test${++this.databaseCount}`;
    await using admin = this.admin("postgres");
    await admin.sql.unsafe(`CREATE DATABASE ${name}`);
    return name;
  }

  /** Runs one of PostgreSQL's own tools on it, as `pg_dump`. */
  tool(name: string, ...words: readonly string[]): void {
    const where = ["-h", this.folder, "-p", String(this.port), "-U", "roomcast"];
    const ran = spawnSync(join(programs, name), [...where, ...words], { encoding: "utf8" });
    assert.equal(ran.status, 0, ran.stderr);
  }

  /** Past all that is tested. */
  admin(database: string): { readonly sql: Sql } & AsyncDisposable {
    const sql = postgres({
      host: this.folder,
      port: this.port,
      user: "roomcast",
      database,
      max: 1,
    });
    return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Fast shutdown, in which clients are disconnected.
    await this.end("SIGINT");
    rmSync(this.folder, { recursive: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null || server.exitCode !== null) return;
    server.kill(signal);
    await once(server, "exit");
  }

  private spawned(): ChildProcess {
    const settings = [
      `port=${this.port}`,
      `unix_socket_directories=${this.folder}`,
      "listen_addresses=127.0.0.1",
      "fsync=off",
      "full_page_writes=off",
      "shared_buffers=32MB",
      "log_min_messages=fatal",
      ...this.settings,
    ];
    const words = settings.flatMap((setting) => ["-c", setting]);
    return spawn(join(programs, "postgres"), ["-D", join(this.folder, "data"), ...words], {
      ...owner,
      cwd: this.folder,
      stdio: "ignore",
    });
  }

  private async answers(): Promise<boolean> {
    const sql = postgres({
      ...{ host: this.folder, port: this.port, user: "roomcast", database: "postgres" },
      ...{ max: 1, connect_timeout: 2, fetch_types: false },
    });
    try {
      await sql`SELECT 1`;
      return true;
    } catch {
      return false;
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

function copyToOwner(from: string, to: string): void {
  copyFileSync(from, to);
  // PostgreSQL refuses a key that others may read.
  chmodSync(to, 0o600);
  if (owner.uid !== undefined) chownSync(to, owner.uid, owner.gid);
}

function idsOf(user: string): { uid: number; gid: number } | { uid?: undefined; gid?: undefined } {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${user}:`));
  if (line === undefined) return {};
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
