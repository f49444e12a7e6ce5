/** A server of a campus restores an image that another one captured: the cast begins before all of it is here. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { ImageView, SessionView } from "../../core/wire/views.ts";
import { openCampus } from "../../server/campus/open-campus.ts";
import { type CampusConfig, campusOf, readConfig } from "../../server/host/config.ts";
import { TestPostgres } from "../postgres.ts";
import { write } from "../server/store/write-image.ts";
import { startSwift } from "../swift.ts";
import { checksum, fillDisk, mib, openHostRoom } from "./hosts.ts";
import { endPrograms, Program } from "./program.ts";

const diskBytes = 96 * mib;
/** Bytes of the storage that come before the test lets the rest through. */
const firstBytes = 40 * mib;

/** Hands connections to a socket file on to a port, and stops when so many bytes have come back. */
class Dam implements AsyncDisposable {
  private readonly server: Server;
  private readonly held = new Set<Socket>();
  private passed = 0;
  private isOpen = false;

  constructor(path: string, port: number) {
    this.server = createServer((from) => {
      const to = connect({ port, host: "127.0.0.1" });
      from.pipe(to);
      to.on("data", (data) => {
        this.passed += data.length;
        from.write(data);
        if (this.isOpen || this.passed < firstBytes) return;
        to.pause();
        this.held.add(to);
      });
      to.on("end", () => from.end());
      from.on("error", () => to.destroy());
      to.on("error", () => from.destroy());
    });
    this.server.listen(path);
  }

  open(): void {
    this.isOpen = true;
    for (const socket of this.held) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
  }
}

test("a room is restored from the storage, while what it needs still comes", async () => {
  await using cleanup = new AsyncDisposableStack();
  const room = await openHostRoom();
  cleanup.defer(() => room.close());
  cleanup.defer(() => endPrograms());
  const database = cleanup.use(await TestPostgres.start());
  const swift = cleanup.use(await startSwift());
  const { endpoint, region, bucket, accessKeyFile, secretKeyFile, forcePathStyle } = swift.config;
  const file = join(room.folder, "campus.toml");
  const url = database.socketUrl(await database.database());
  writeFileSync(
    file,
    `[server]\nname = "beta"\n[state]\nurl = "${url}"
[store.s3]\nendpoint = "${endpoint}"\nregion = "${region}"\nbucket = "${bucket}"
accessKeyFile = "${accessKeyFile}"\nsecretKeyFile = "${secretKeyFile}"
forcePathStyle = ${forcePathStyle}\n`,
  );
  const config = { ...(campusOf(await readConfig(file)) as CampusConfig), server: "alpha" };

  // The other server: its store alone.
  const { images: alpha } = await openCampus(join(room.folder, "alpha"), config, () => {});
  cleanup.use(alpha);
  const master = join(room.folder, "master.disk");
  writeFileSync(master, "");
  await fillDisk(master, diskBytes, 7);
  const disk = await chunksOf(master);
  const image = await write(alpha, disk, "base");
  await room.until(
    async () => alpha.campus?.serverOf(image.id) ?? null,
    (server) => server === "alpha",
    30,
  );

  // Swift is on this host's loopback, which the server's namespace does not have.
  const port = new URL(endpoint).port;
  const path = join(room.folder, "storage.sock");
  const dam = cleanup.use(new Dam(path, Number(port)));
  const script = join(import.meta.dirname, "relay-child.ts");
  const relay = new Program(room.network.serverNamespace, [process.execPath, script, port, path]);
  await relay.line(/^ready$/);
  await room.startServer("--config", file);
  const hosts = [await room.addHost(1, diskBytes), await room.addHost(2, diskBytes)];
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle" || state === "waiting").length === 2,
    30,
  );
  await room.roomcast("room", "create", "lab");
  for (const { name } of hosts) await room.roomcast("pc", "set", name, "--room", "lab");
  const shown = async () => (await room.roomcast("image", "show", "base")).value as ImageView;
  const before = await room.until(shown, (view) => view.id === image.id, 20);
  assert.deepEqual([before.here, before.server, before.fetch], [false, "alpha", null]);

  const ordered = await room.roomcast("restore", "base", "--room", "lab");
  assert.equal(ordered.status, 0, ordered.stderr);
  const { id } = ordered.value as SessionView;
  await room.until(
    () => room.session(id),
    ({ members }) => members.every(({ bytesReceived }) => bytesReceived > 4 * mib),
    60,
  );
  const meanwhile = await shown();
  assert.equal(meanwhile.here, false);
  assert.equal(meanwhile.fetch?.state, "fetching");
  dam.open();
  const over = await room.until(
    () => room.session(id),
    ({ endedAt }) => endedAt !== null,
    90,
  );
  for (const { result, rootHash, reason } of over.members)
    assert.deepEqual([result, rootHash], ["verified", image.rootHash], String(reason));
  const sum = await checksum(master);
  for (const { disk } of hosts) assert.equal(await checksum(disk), sum);
  await room.until(shown, ({ here }) => here, 30);
  assert.equal((await room.roomcast("image", "verify", "base")).status, 0);
});

async function chunksOf(path: string): Promise<Uint8Array[]> {
  await using file = await open(path, "r");
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < diskBytes; at += mib) {
    const chunk = new Uint8Array(mib);
    await file.read(chunk, 0, mib, at);
    chunks.push(chunk);
  }
  return chunks;
}
