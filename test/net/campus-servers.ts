/** Whole servers of one campus, each in a network of its own, with one PostgreSQL and one storage that fails when it is told to. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../../client/api/client.ts";
import type { StatusView } from "../../core/wire/api.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { TestPostgres } from "../postgres.ts";
import { type Swift, startSwift } from "../swift.ts";
import { FaultyStorage } from "./faulty-storage.ts";
import { fillDisk, type HostRoom, mib, openHostRoom } from "./hosts.ts";
import { endPrograms, Program } from "./program.ts";

export class CampusServer {
  readonly name: string;
  readonly room: HostRoom;
  readonly api: ApiClient;
  readonly config: string;

  constructor(name: string, room: HostRoom, config: string) {
    this.name = name;
    this.room = room;
    this.config = config;
    this.api = new ApiClient({ socketPath: join(room.data, "roomcast.sock") });
  }

  start(): Promise<void> {
    return this.room.startServer("--config", this.config);
  }

  kill(): Promise<void> {
    return this.room.endServer("SIGKILL");
  }

  images(): Promise<ImageView[]> {
    return this.api.get<ImageView[]>("/images");
  }

  async warnings(): Promise<readonly string[]> {
    return (await this.api.get<StatusView>("/status")).warnings;
  }

  /** Imports a disk of so many MiB that `seed` determines. Rejects as the command does. */
  async import(name: string, megabytes: number, seed: number): Promise<ImageView> {
    const path = join(this.room.folder, `disk-${seed}.raw`);
    writeFileSync(path, "");
    await fillDisk(path, megabytes * mib, seed);
    const answer = await this.room.roomcast("image", "import", path, name, "--raw");
    if (answer.status !== 0) throw new Error(answer.stderr);
    return answer.value as ImageView;
  }

  /** Has it brought here, and each of its chunks hashed. */
  async requireWhole({ id }: Pick<ImageView, "id">): Promise<void> {
    await this.api.post(`/images/${id}/fetch`);
    await this.room.until(
      () => this.api.get<ImageView>(`/images/${id}`),
      ({ here }) => here,
      240,
    );
    const signal = AbortSignal.timeout(240_000);
    const report = await this.api.follow<{ ok: boolean; damaged: unknown }>(
      `/images/${id}/verify`,
      { signal, onProgress() {} },
    );
    assert(report.ok, `${this.name}: ${JSON.stringify(report.damaged)}`);
  }
}

export interface Campus extends AsyncDisposable {
  readonly servers: readonly CampusServer[];
  readonly postgres: TestPostgres;
  readonly storage: FaultyStorage;
}

/** They are started, and know each other. `random`: of the storage's faults. */
export async function openServers(names: readonly string[], random: () => number): Promise<Campus> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "campus-net-"));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = cleanup.use(await TestPostgres.start());
  const swift = cleanup.use(await startSwift());
  const url = postgres.socketUrl(await postgres.database());
  const port = new URL(swift.config.endpoint).port;
  const path = join(folder, "storage.sock");
  const storage = cleanup.use(await FaultyStorage.open(path, Number(port), random));
  cleanup.defer(() => endPrograms());
  const servers: CampusServer[] = [];
  for (const name of names) {
    const room = await openHostRoom();
    cleanup.defer(() => room.close());
    const config = join(room.folder, "campus.toml");
    writeFileSync(config, configOf(name, url, swift));
    // Swift is on this host's loopback, which the server's namespace does not have.
    const script = join(import.meta.dirname, "relay-child.ts");
    const words = [process.execPath, script, port, path];
    await new Program(room.network.serverNamespace, words).line(/^ready$/);
    servers.push(new CampusServer(name, room, config));
  }
  for (const server of servers) await server.start();
  const all = cleanup.move();
  return { servers, postgres, storage, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function configOf(name: string, url: string, { config }: Swift): string {
  const { endpoint, region, bucket, accessKeyFile, secretKeyFile, forcePathStyle } = config;
  return `[server]\nname = "${name}"\n[state]\nurl = "${url}"
[store.s3]\nendpoint = "${endpoint}"\nregion = "${region}"\nbucket = "${bucket}"
accessKeyFile = "${accessKeyFile}"\nsecretKeyFile = "${secretKeyFile}"
forcePathStyle = ${forcePathStyle}\n`;
}
