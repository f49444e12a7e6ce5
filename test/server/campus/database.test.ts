import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { RoomcastError } from "../../../core/errors.ts";
import { usualDatabaseTimes } from "../../../server/campus/database.ts";
import { type DatabaseSettings, readAddress } from "../../../server/campus/database-address.ts";
import { schemaVersion } from "../../../server/campus/database-schema.ts";
import { hostTime } from "../../../server/campus/host-time.ts";
import { PgRegistry } from "../../../server/campus/registry.ts";
import { Versions } from "../../../server/campus/versions.ts";
import { freePort } from "../../free-port.ts";
import { TestPostgres } from "../../postgres.ts";
import { hashesOf, manifestOf, packOf } from "./campus-images.ts";
import { until, writerWith } from "./registry-contract.ts";
import { hostClock, RoomSite } from "./room-site.ts";
import { StallingProxy } from "./stalling-proxy.ts";

/** Those of the field, in a fifth of the time. */
const times = { connectMs: 600, statementMs: 800, answerMs: 1000, beatMs: 1000, retryMs: 200 };
const password = "a p@ss:word/of 'some' length";

let postgres: TestPostgres;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-database-"));
  postgres = await TestPostgres.start();
  await certify(postgres);
});
after(async () => {
  await postgres[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const open = (settings: DatabaseSettings): Promise<PgRegistry> =>
  PgRegistry.open({ settings, server: "one", warn: () => {}, times });

/** A certificate of a site's own for `localhost`, and a user with a password. */
async function certify(running: TestPostgres): Promise<void> {
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=db";
  const made = spawnSync(
    "openssl",
    [
      ...words.split(" "),
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")],
    ],
    { encoding: "utf8" },
  );
  assert.equal(made.status, 0, made.stderr);
  await using admin = running.admin("postgres");
  await admin.sql.unsafe(
    `CREATE ROLE secret SUPERUSER LOGIN PASSWORD '${password.replaceAll("'", "''")}'`,
  );
  await running.secure(join(folder, "cert.pem"), join(folder, "key.pem"));
}

const isAway = { name: "RoomcastError", code: "away" };

/** Its answer when the database is back; what the killed one left may still answer for a moment. */
async function later<T>(call: () => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | null = null;
  await until(async () => {
    try {
      answer = { value: await call() };
    } catch (error) {
      assert(error instanceof RoomcastError && error.code === "away", String(error));
    }
    return answer !== null;
  });
  return (answer as unknown as { readonly value: T }).value;
}

/** How long it took, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

test("four servers that start at once make the tables once", async () => {
  const url = postgres.url(await postgres.database());
  const opened = await Promise.all([1, 2, 3, 4].map(() => open({ url })));
  for (const registry of opened) {
    assert.equal(registry.away(), null);
    assert.deepEqual(await registry.images(), []);
    await registry[Symbol.asyncDispose]();
  }
});

test("the database of a newer roomcast is refused, unless it still works with this one", async () => {
  const database = await postgres.database();
  const url = postgres.url(database);
  await (await open({ url }))[Symbol.asyncDispose]();
  await using admin = postgres.admin(database);
  await admin.sql`UPDATE roomcast_schema SET version = ${schemaVersion + 2}, works_from = ${schemaVersion}`;
  // What a later version may have added.
  await admin.sql`ALTER TABLE image ADD COLUMN colour text NOT NULL DEFAULT 'red'`;
  await admin.sql`ALTER TABLE chunk ADD COLUMN weight integer`;
  {
    await using registry = await open({ url });
    const writer = await writerWith(registry, 1);
    await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
    assert.equal((await registry.images()).length, 1);
  }
  await admin.sql`UPDATE roomcast_schema SET works_from = ${schemaVersion + 1}`;
  await assert.rejects(open({ url }), {
    code: "refused",
    message: new RegExp(`newer roomcast.*version ${schemaVersion + 2}`),
  });
});

test("PostgreSQL is killed under use: calls say so at once, and go on when it is back", async () => {
  const url = postgres.url(await postgres.database());
  await using registry = await open({ url });
  let told = 0;
  using _listener = registry.onChange(() => void told++);
  await until(() => told >= 1);
  const writer = await writerWith(registry, 1);
  await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
  // By the commit itself, the notification and the beat: none of them tells of it later.
  await until(() => told >= 4);
  const use = async (): Promise<void> => {
    for (;;) await registry.takeVersion("lab");
  };
  const used = assert.rejects(use(), isAway);
  await postgres.kill();
  await used;
  assert.match(registry.away()?.since ?? "", /^\d{4}-\d\d-\d\dT/);
  for (const call of [
    () => registry.images(),
    () => registry.placesOf(hashesOf(1)),
    () => registry.beginWriter(),
    () => writer.hold(hashesOf(1)),
  ]) {
    assert((await timed(() => assert.rejects(call, isAway))) < 200);
  }
  told = 0;
  await postgres.up();
  await until(() => told > 0 && registry.away() === null);
  assert.equal((await later(() => registry.images())).length, 1);
  assert((await later(() => writer.hold(hashesOf(1))))[0] !== null);
});

test("however long the database was away, it is found within seconds of its return", async () => {
  await using registry = await open({ url: postgres.url(await postgres.database()) });
  await postgres.kill();
  // So often that each of its connections was refused more than once.
  for (let left = 15; left > 0; left--) {
    await registry.images().catch(() => {});
    await new Promise((done) => setTimeout(done, times.retryMs));
  }
  await postgres.up();
  const took = await timed(() => until(() => registry.away() === null));
  assert(took < 4000, `it took ${took} ms`);
  // By all of its connections.
  const all = Array.from({ length: 8 }, () => later(() => registry.images()));
  assert((await timed(() => Promise.all(all))) < 4000);
});

test("after a restart a notification comes again, and no beat is needed for it", async () => {
  const url = postgres.url(await postgres.database());
  const slow = { ...times, beatMs: 600_000 };
  const opened = async (server: string): Promise<PgRegistry> =>
    PgRegistry.open({ settings: { url }, server, warn: () => {}, times: slow });
  await using one = await opened("one");
  await using other = await opened("other");
  await postgres.kill();
  await postgres.up();
  // Whoever asks learns that it was away; nobody else did.
  await one.images().catch(() => {});
  await until(() => one.away() === null && other.away() === null);
  await using admin = postgres.admin(new URL(url).pathname.slice(1));
  await until(async () => {
    const rows = await admin.sql`
      SELECT FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'`;
    return rows.length === 2;
  });
  const writer = await writerWith(one, 1);
  let told = 0;
  using _listener = other.onChange(() => void told++);
  await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
  await until(() => told > 0);
});

test("a network that is cut says nothing: calls end in bounded time, and go on later", async () => {
  await using proxy = await StallingProxy.to(postgres.port);
  const url = postgres.url(await postgres.database(), proxy.port);
  await using registry = await open({ url });
  const writer = await registry.beginWriter();
  proxy.stall(true);
  const bound = times.answerMs + 1000;
  const calls = [
    () => registry.takeVersion("lab"),
    () => writer.addPack(packOf(hashesOf(1))),
    () => registry.images(),
    () => registry.images(),
    () => registry.images(),
    () => registry.images(),
  ];
  const took = await Promise.all(calls.map((call) => timed(() => assert.rejects(call, isAway))));
  assert(Math.max(...took) < bound, `${Math.max(...took)} ms`);
  assert.match(registry.away()?.reason ?? "", /^it did not answer|^the connection/);
  // A call that is made while it is away does not try.
  assert((await timed(() => assert.rejects(registry.images(), isAway))) < 100);
  proxy.stall(false);
  await until(() => registry.away() === null);
  await writer.addPack(packOf(hashesOf(1)));
  await writer.commit(manifestOf(1, "win11", 1), hashesOf(1));
  assert.equal((await registry.images()).length, 1);
});

test("a database that is away when a server starts is found later", async () => {
  const port = await freePort();
  await using registry = await open({ url: postgres.url("nothing", port) });
  assert.match(registry.away()?.reason ?? "", /ECONNREFUSED/);
  const error = await registry.images().catch((refused: unknown) => refused);
  assert(error instanceof RoomcastError && error.code === "away");
  assert.match(error.message, new RegExp(`127.0.0.1:${port}.*ECONNREFUSED`));

  await using late = await open({ url: postgres.url("late") });
  assert.match(late.away()?.reason ?? "", /"late" does not exist/);
  await using admin = postgres.admin("postgres");
  await admin.sql`CREATE DATABASE late`;
  // It may be about to be restored: a server makes tables only when it starts.
  await until(() => /no tables/.test(late.away()?.reason ?? ""));
  await (await open({ url: postgres.url("late") }))[Symbol.asyncDispose]();
  await until(() => late.away() === null);
  assert.deepEqual(await late.images(), []);
});

test("a database is restored while a server runs: it waits until all of the backup is there", async () => {
  const database = await postgres.database();
  await using registry = await open({ url: postgres.url(database) });
  const hashes = hashesOf(1, 2, 3);
  const writer = await writerWith(registry, 1, 2, 3);
  await writer.commit(manifestOf(1, "win11", 1), hashes);
  const backup = join(folder, "backup");
  postgres.tool("pg_dump", "-Fc", "-f", backup, database);
  const restore = (...parts: readonly string[]): void => {
    const sections = parts.map((part) => `--section=${part}`);
    postgres.tool("pg_restore", "--exit-on-error", "-d", database, ...sections, backup);
  };
  // Longer than until its next questions.
  const stays = async (reason: RegExp): Promise<void> => {
    await until(() => reason.test(registry.away()?.reason ?? ""));
    await new Promise((done) => setTimeout(done, 4 * times.retryMs));
    assert.match(registry.away()?.reason ?? "", reason);
  };
  postgres.tool("dropdb", "--force", database);
  postgres.tool("createdb", database);
  await stays(/no tables/);
  restore("pre-data", "data");
  await stays(/not all there/);
  // One that is started now waits, too.
  await using late = await open({ url: postgres.url(database) });
  assert.match(late.away()?.reason ?? "", /not all there/);
  restore("post-data");
  await until(() => registry.away() === null && late.away() === null);
  for (const one of [registry, late]) {
    assert.equal((await one.images()).length, 1);
    assert(!(await one.placesOf(hashes)).includes(null));
  }
});

test("a database that is read-only is away until it is not, since the first refusal", async () => {
  const database = await postgres.database();
  await using registry = await open({ url: postgres.url(database) });
  await using admin = postgres.admin("postgres");
  // As of a standby, for all connections from now on.
  const setReadOnly = async (value: "on" | "off"): Promise<void> => {
    await admin.sql.unsafe(
      `ALTER DATABASE ${database} SET default_transaction_read_only = ${value}`,
    );
    await admin.sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${database}`;
  };
  await setReadOnly("on");
  await until(async () => {
    await registry.takeVersion("lab").catch(() => {});
    return /it is read-only/.test(registry.away()?.reason ?? "");
  });
  const refused = registry.away();
  let told = 0;
  using _listener = registry.onChange(() => void told++);
  await new Promise((done) => setTimeout(done, 5 * times.retryMs));
  assert.deepEqual([registry.away(), told], [refused, 0]);
  await using late = await open({ url: postgres.url(database) });
  assert.match(late.away()?.reason ?? "", /it is read-only/);
  await setReadOnly("off");
  await until(() => registry.away() === null && late.away() === null);
  assert.equal((await registry.takeVersion("lab")).version, 1);
});

test("on a database whose disk is full a server starts, and a capture waits with its last step", async () => {
  const database = await postgres.database();
  await using registry = await open({ url: postgres.url(database) });
  await using admin = postgres.admin(database);
  // As PostgreSQL says it of a table that cannot grow.
  await admin.sql.unsafe(`
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END $$`);
  const tables = ["server", "image_name"];
  for (const table of tables)
    await admin.sql.unsafe(`
      CREATE TRIGGER full_disk BEFORE INSERT ON ${table} EXECUTE FUNCTION full_disk()`);
  await using site = new RoomSite("one", registry.roomTables(), hostClock);
  const rooms = await site.start();
  await until(() => /No space left/.test(rooms.warnings.join()));
  const versions = new Versions({ registry, time: hostTime, nextHere: () => 1 });
  const taken = versions.take("lab", new AbortController().signal);
  await until(() => versions.warnings.length > 0);
  assert.match(versions.warnings.join(), /lab waits for its number: .*No space left/);
  // What is read is there all the same.
  assert.deepEqual([registry.away(), await registry.images()], [null, []]);
  for (const table of tables) await admin.sql.unsafe(`DROP TRIGGER full_disk ON ${table}`);
  assert.equal((await taken).version, 1);
  assert.deepEqual(versions.warnings, []);
});

test("a database that lets nobody work is away for a server that starts, too", async () => {
  const database = await postgres.database();
  await using admin = postgres.admin("postgres");
  // A fault of its own (58P01), before the first statement.
  await admin.sql.unsafe(`ALTER DATABASE ${database} SET session_preload_libraries = 'lost'`);
  await using registry = await open({ url: postgres.url(database) });
  assert.match(registry.away()?.reason ?? "", /could not access file "lost"/);
});

test("a table that is lost makes the database away until it is there again, and ends no server", async () => {
  const database = await postgres.database();
  await using registry = await open({ url: postgres.url(database) });
  await using admin = postgres.admin(database);
  await admin.sql`ALTER TABLE change_count RENAME TO elsewhere`;
  await until(() => registry.away() !== null);
  const lost = registry.away();
  assert.match(lost?.reason ?? "", /relation "change_count" does not exist/);
  // Nobody is told that it is there again while it is not.
  let told = 0;
  using _listener = registry.onChange(() => void told++);
  await new Promise((done) => setTimeout(done, 5 * times.retryMs));
  assert.deepEqual([registry.away(), told], [lost, 0]);
  await admin.sql`ALTER TABLE elsewhere RENAME TO change_count`;
  await until(() => registry.away() === null);
  assert.deepEqual(await registry.images(), []);
});

test("servers count up one row at the same time, whatever isolation the database has by default", async () => {
  const database = await postgres.database();
  const url = postgres.url(database);
  await using admin = postgres.admin(database);
  await admin.sql.unsafe(
    `ALTER DATABASE ${database} SET default_transaction_isolation = 'repeatable read'`,
  );
  await using one = await open({ url });
  await using other = await open({ url });
  const calls = Array.from({ length: 100 }, (_, at) =>
    (at % 2 === 0 ? one : other).takeVersion("lab"),
  );
  const versions = (await Promise.all(calls)).map(({ version }) => version);
  assert.equal(new Set(versions).size, 100);
});

test("a statement that waits for a lock ends as away, and the database is there all the same", async () => {
  const database = await postgres.database();
  await using registry = await open({ url: postgres.url(database) });
  await using admin = postgres.admin(database);
  await admin.sql.begin(async (tx) => {
    await tx`LOCK TABLE image_name`;
    await assert.rejects(registry.takeVersion("lab"), isAway);
    assert.equal(registry.away(), null);
  });
  assert.equal((await registry.takeVersion("lab")).version, 1);
});

test("a call that another was cut with is not done later", async () => {
  await using proxy = await StallingProxy.to(postgres.port);
  const database = await postgres.database();
  await using registry = await open({ url: postgres.url(database, proxy.port) });
  // All its connections are there.
  await Promise.all(Array.from({ length: 12 }, () => registry.images()));
  proxy.stall(true);
  // More than there are connections.
  const calls = Array.from({ length: 12 }, () => registry.takeVersion("lab"));
  await Promise.all(calls.map((call) => assert.rejects(call, isAway)));
  proxy.stall(false);
  await until(() => registry.away() === null);
  // And none of the connections of that time is used again.
  const taken = await Promise.all(calls.map(() => registry.takeVersion("lab")));
  const versions = taken.map(({ version }) => version).sort((one, other) => one - other);
  assert.deepEqual(
    versions,
    versions.map((_, at) => at + 1),
  );
});

test("the password comes from its file, and is shown nowhere", async () => {
  const database = await postgres.database();
  const url = `postgres://secret@127.0.0.1:${postgres.port}/${database}`;
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  {
    await using registry = await open({ url, passwordFile });
    assert.deepEqual(await registry.images(), []);
    assert(!inspect(await readAddress({ url, passwordFile })).includes("secret@"));
  }
  const encoded = encodeURIComponent(password);
  const inline = url.replace("secret@", `secret:${encoded}@`);
  await using registry = await open({ url: inline });
  assert.deepEqual(await registry.images(), []);
  chmodSync(passwordFile, 0o640);
  const wrong = inline.replace(encoded, encodeURIComponent(`${password}!`));
  await using refused = await open({ url: wrong });
  const errors = [
    await open({ url, passwordFile }).catch((error: unknown) => error),
    await open({ url: `${inline}?colour=red` }).catch((error: unknown) => error),
    await open({ url: inline.replace("127.0.0.1:", "127.0.0.1:x") }).catch(
      (error: unknown) => error,
    ),
    await refused.images().catch((error: unknown) => error),
  ];
  const codes = errors.map((error) => error instanceof RoomcastError && error.code);
  assert.deepEqual(codes, ["refused", "bad-input", "bad-input", "away"]);
  assert.match(refused.away()?.reason ?? "", /password authentication failed/);
  const told = inspect(errors, { depth: 9, showHidden: true });
  for (const text of [password, encoded]) assert(!told.includes(text));
});

test("TLS: the certificate is checked against caFile and the name", async () => {
  const database = await postgres.database();
  const caFile = join(folder, "cert.pem");
  const url = postgres.url(database);
  const byName = url.replace("127.0.0.1", "localhost");
  for (const settings of [
    { url, caFile },
    { url: byName, caFile },
  ]) {
    await using registry = await open(settings);
    assert.equal(registry.away(), null);
    await using admin = postgres.admin(database);
    const [row] = await admin.sql`
      SELECT bool_and(ssl) AS is_secure FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
      WHERE datname = current_database() AND client_port > 0`;
    assert.equal(row?.is_secure, true);
  }
  await using untrusted = await open({ url: `${url}?sslmode=verify-full` });
  assert.match(untrusted.away()?.reason ?? "", /self-signed/);
  await using misnamed = await open({ url: url.replace("127.0.0.1", "127.0.0.2"), caFile });
  assert.notEqual(misnamed.away(), null);
});

test("where TLS is wanted by itself, and which URLs are refused", async () => {
  const tlsOf = async (url: string): Promise<unknown> => {
    const { target } = await readAddress({ url });
    return "path" in target ? target.path : target.tls;
  };
  assert.equal(await tlsOf("postgres://localhost/roomcast"), null);
  assert.equal(await tlsOf("postgres://[::1]/roomcast"), null);
  assert.equal(await tlsOf("postgres:///db?host=/run/postgresql"), "/run/postgresql/.s.PGSQL.5432");
  assert.deepEqual(await tlsOf("postgresql://db.example/roomcast"), {
    servername: "db.example",
    host: "db.example",
  });
  const inClear = "postgres://db.example/roomcast?sslmode=disable";
  assert.equal(await tlsOf(inClear), null);
  assert.equal((await readAddress({ url: inClear })).goesInClear, true);
  assert.equal((await readAddress({ url: "postgres://localhost/roomcast" })).goesInClear, false);
  for (const url of [
    "mysql://db.example/roomcast",
    "db.example",
    "postgres:///roomcast",
    "postgres://db.example/roomcast?sslmode=prefer",
    "postgres://db.example/roomcast?sslmode=require",
    "postgres://db.example/%zz",
  ]) {
    await assert.rejects(readAddress({ url }), { code: "bad-input" }, url);
  }
});

test("the times of the field are in their order", () => {
  const { connectMs, statementMs, answerMs } = usualDatabaseTimes;
  assert(connectMs < answerMs && statementMs < answerMs && answerMs <= 5000);
});
